"""Real minute bars from import to a verdict page, by the commands an analyst types; the headlines are made up."""

import json
import random
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from momentum_kit.cli import main

ROOT = Path(__file__).resolve().parents[4]
DAYS = (date(2013, 10, 9), date(2013, 10, 10), date(2013, 10, 11))  # with sessions enough before them
TEXTS = ("wins $1.2 billion cloud contract", "receives FDA clearance", "raises full-year guidance", "shares active")


def made_up(file: Path) -> Path:
    """42 headlines at random times of regular hours; nobody recorded when they were received."""
    rng = random.Random(1)
    lines = ["published_at,provider,symbol,text"]
    for number in range(42):
        at = datetime.fromisoformat(f"{DAYS[number % 3]} 09:35:00") + timedelta(seconds=rng.randrange(21_600))
        symbol = ("IBM", "SPY")[rng.random() < 0.5]
        lines.append(f"{at},MADE,{symbol},{symbol} {rng.choice(TEXTS)} ({number})")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


pytestmark = pytest.mark.usefixtures("own_record")


@pytest.fixture(scope="module")
def archive(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All real minutes, and the headlines."""
    folder = tmp_path_factory.mktemp("real")
    archive = folder / "archive"
    mapping = ["--map", "kind=headlines", "--map", "time_zone=America/New_York"]
    assert main(["data", "import", "lean", str(shared_data / "lean"), "--archive", str(archive)]) == 0
    assert main(["data", "import", "csv", str(made_up(folder / "h.csv")), "--archive", str(archive), *mapping]) == 0
    return archive


def test_the_page_says_what_little_data_can_and_cannot_tell(
    archive: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three days: every step works, nothing is sealed, the word is "cannot tell", and the page says why and what is."""
    monkeypatch.chdir(ROOT)

    def ask(step: str, *more: str) -> dict[str, Any]:
        config = ["--archive", str(archive), "--config", "config/demo_archive.yaml"]
        assert main(["research", step, *config, *more, "--json"]) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
        return found

    assert ask("headlines", "--impute", "2")["items"] == 42
    built = ask("events", "--impute", "2")
    assert built["events"] == 42
    assert {"NO TRADE COUNTS", "NO WAP", "BARS 60 s", "IMPUTED"} <= set(built["marks"])
    assert "NOT MARKET-ADJUSTED" in ask("study")["marks"]
    swept = ask("sweep", "--axis", "min_ret_60s=0,0.0005,0.0015", "--axis", "min_rvol_bar=0,1.5,2.5")
    assert (swept["cells"], swept["days"]) == (9, 3)
    verdict = ask("validate", "--impute", "2")
    assert verdict["verdict"] == "cannot tell"
    assert verdict["why"] == "too little data: days with events 3, at least 40 needed"
    page = archive.with_name("archive.study").joinpath("verdict.md").read_text(encoding="utf-8")
    assert "NOTHING SEALED: no days were kept back" in page
    assert "sealed days have not been opened" not in page
    assert "9 configurations were tried on these data, and none of them has enough fills" in page
    assert "a verdict takes 30 fills on 40 days with events. There are 3 days, with 42 events" in page
    settings = ["--config", "config/demo_archive.yaml", "--impute", "2"]
    assert main(["research", "validate", "--archive", str(archive), *settings, "--open-seal"]) == 2
    assert "no sealed days" in capsys.readouterr().err
