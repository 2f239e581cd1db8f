"""What a person is sent in a clean day: a whole one of the simulated market, with trades, from open to close."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from momentum_kit import Kit
from momentum_kit.models import TradingState
from momentum_kit.runtime.sim import gateway_process
from tests.helpers.alert_receiver import Receiver

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.timeout(400)  # a whole day, which a busy machine takes minutes for
MARKET = {
    "day": "2026-11-20", "start": "09:30", "end": "16:00", "history_sessions": 12,
    "universe": {"small_caps": 2, "large_caps": 0}, "news": {"planted": 4, "earlier": 0},
}  # fmt: skip
STEP_S = 5.0


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """The address that the environment names."""
    taker = Receiver()
    monkeypatch.setenv("MOMENTUM_KIT_ALERT_URLS", taker.address)
    yield taker
    taker.close()


@pytest.mark.filterwarnings("ignore:.*is deprecated and slated for removal:DeprecationWarning")  # Apprise's plugins
async def test_nobody_is_paged_in_a_clean_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    """Positions are entered, left and flat before the close: no page (two are allowed), and one digest at most."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    config = tmp_path / "config" / "demo.yaml"
    content = yaml.safe_load(config.read_text())
    content["clock"] |= {"beat_s": STEP_S, "rate": 1e5}
    config.write_text(yaml.safe_dump(content))
    market = tmp_path / "market.yaml"
    market.write_text(yaml.safe_dump(MARKET))
    asked = ["--port", "0", "--scenario", str(market), "--seed", "3", "--lock-step", str(STEP_S)]
    with gateway_process(asked, tmp_path / "gateway.err") as port:
        kit = await Kit.open(config, port=port, run_dir=tmp_path, in_process=True)
        await kit.start(until="close-1m")
        final = await kit.wait()
    assert (final.state, final.positions) == (TradingState.STOPPED, ())
    assert kit.summary()["fills"] > 0
    assert final.tapes, "the light of the news tapes"
    assert [title for title in receiver.titles if title.endswith("page")] == [], receiver.taken
    assert len(receiver.titles) <= 1, receiver.taken
