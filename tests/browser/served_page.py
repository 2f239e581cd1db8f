"""The page without Jupyter as `momentum-kit page` serves it, in a process of its own, and a browser that opens it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import ConsoleMessage, Locator, Page, expect

from tests.browser.browser_lab import CUT_OFF, SHOTS

DESK, PHONE = {"width": 1280, "height": 1900}, {"width": 390, "height": 844}
REFUSED = "Failed to load resource"  # what Chromium logs of each answer that is none, such as that to a wrong token


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedPage:
    """Where it is, and what lets one in."""

    url: str
    token: str
    process: "subprocess.Popen[str]"


@contextmanager
def served_page(project: Path, gateway_port: int, page_port: int = 0) -> Iterator[ServedPage]:
    """A page of the demo's account until the context ends."""
    command = [
        sys.executable, "-m", "momentum_kit.cli", "page", "--config", "config/demo.yaml", "--port", f"{gateway_port}",
        "--page-port", f"{page_port}", "--json",
    ]  # fmt: skip
    with subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            told = json.loads(process.stdout.readline())
            yield ServedPage(url=told["url"], token=Path(told["token_file"]).read_text(), process=process)
        finally:
            process.terminate()
    assert process.returncode == 0


class Screen:
    """A browser's window at the page, on a desk or a phone; what its console says is kept."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def log_in(self, served: ServedPage) -> None:
        """As a person does."""
        self.page.goto(served.url)
        self.page.fill("#token", served.token)
        self.page.click("text=Log in")
        self.says("head", "gateway up")

    def part(self, name: str) -> Locator:
        """One part of the page."""
        return self.page.locator(f"#part-{name}")

    def says(self, name: str, words: str) -> None:
        """Wait until a part shows these words."""
        expect(self.part(name)).to_contain_text(words, ignore_case=True)

    def button(self, name: str) -> Locator:
        """A button by what stands on it."""
        return self.page.get_by_role("button", name=name, exact=True)

    def shoot(self, name: str, *, whole: bool = True) -> None:
        """A picture, kept among the run's artefacts; no box of it is cut off."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        for theme in ("light", "dark"):
            self.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            self.page.screenshot(path=SHOTS / f"page_{name}_{theme}.png", full_page=whole)
        assert (cut_off := self.page.evaluate(CUT_OFF)) == [], f"{name}: {cut_off}"

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and REFUSED not in message.text:
            self.errors.append(message.text)
