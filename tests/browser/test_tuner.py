"""The tuner in JupyterLab as people use it: dials turned by hand, the map, an event's tape, a candidate, a new dial."""

import math
import statistics
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.browser_lab import ROOT, Notebook, wait_until

pytestmark = pytest.mark.timeout(300)
PATIENT_S = 150.0  # events of the sample are built first, on a busy machine
DRAWN = """css => new Promise(done => {
    const shown = [...document.querySelectorAll('.mk-tuner .mk-' + css)].pop();
    const handle = [...document.querySelectorAll('.mk-tuner .mk-dial-max-spread-bps .noUi-handle')].pop();
    let began = 0;
    const watch = new MutationObserver(() => { watch.disconnect();
        requestAnimationFrame(() => setTimeout(() => done(performance.now() - began))); });
    watch.observe(shown, {childList: true, subtree: true, characterData: true});
    began = performance.now();
    setTimeout(() => done(Infinity), 20000);
    handle.dispatchEvent(new KeyboardEvent('keydown', {key: window.turned ? 'Left' : 'Right', bubbles: true}));
    window.turned = !window.turned;
})"""
"""Milliseconds from a key on the slider until the browser has drawn what the kernel made of it."""


def cells(folder: Path) -> list[str]:
    """A study of the sample, and its tuner."""
    study = f"from momentum_kit import Study\nstudy = Study({str(ROOT / 'data/sample')!r}, folder={str(folder)!r})"
    axes = {"min_z_tod": [2, 4, 6, 8, 10, 12], "max_spread_bps": [100, 70, 50, 35, 25], "min_rvol_bar": [2, 6],
            "min_rvol_cum": [0.5], "max_spread_share": [0.5]}  # fmt: skip
    return [f"{study}\nstudy.events()", f"tuner = study.tuner({axes})\ntuner"]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one study for all: its events are computed once."""
    return tmp_path_factory.mktemp("tuner") / "study"


@pytest.fixture
def tuned(notebook: Notebook, study: Path) -> Notebook:
    """The shared notebook with a tuner of the study."""
    notebook.replace(cells(study))
    notebook.run_all()
    notebook.says("mk-face", "SELECTED", PATIENT_S)
    return notebook


def test_a_dial_that_is_turned_redraws_everything_that_hangs_on_it(tuned: Notebook) -> None:
    """By keyboard and by a drag: figures, map, days and shadow follow; undo leads back; no trial is added."""
    trials = tuned.part("mk-head").inner_text()
    before = tuned.part("mk-face").text_content() or ""
    tuned.shoot("tuner_opened", "Light")
    dial = tuned.part("mk-dial-max-spread-bps").locator(".noUi-handle")
    dial.focus()
    tuned.page.keyboard.press("ArrowLeft")
    expect(tuned.part("mk-face")).not_to_have_text(before)
    tuned.says("mk-moved", "widest spread")
    tuned.says("mk-moved", "a choice after the fact")
    box, track = dial.bounding_box(), tuned.part("mk-dial-max-spread-bps").locator(".noUi-base").bounding_box()
    assert box and track
    tuned.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tuned.page.mouse.down()
    tuned.page.mouse.move(track["x"] + 2, box["y"] + box["height"] / 2, steps=8)
    tuned.page.mouse.up()
    tuned.says("mk-moved", "loosest step")
    tuned.shoot("tuner_turned", "Light", "Dark")
    took = [tuned.page.evaluate(DRAWN, "days") for _ in range(12)]
    print(f"\nfrom a key to drawn, sample: median {statistics.median(took):.0f} ms, most {max(took):.0f} ms")  # noqa: T201
    assert max(took) < math.inf  # each turn was drawn; how fast is a bench's business
    undo = tuned.part("mk-undo")
    undo.click()
    for _ in range(40):
        wait_until(lambda: not tuned.busy, "the kernel has drawn")
        if undo.evaluate("button => button.disabled || button.click()"):  # at once: a redraw may be disabling it
            break
    expect(tuned.part("mk-face")).to_have_text(before)
    assert tuned.part("mk-head").inner_text() == trials


def test_an_event_is_one_click_from_its_tape_and_a_position_from_its_file(tuned: Notebook, study: Path) -> None:
    """A row shows headline and tape; a candidate lies in the study's folder; a bad name is refused in words."""
    row = tuned.page.locator(".mk-tuner select option", has_text="gained").first
    words = row.inner_text()
    row.click()
    expect(tuned.page.locator(".mk-tuner img").last).to_be_visible()
    tuned.says("mk-headline", words.replace("\xa0", " ").split("  ")[-1])
    tuned.shoot("tuner_tape", "Light")
    tuned.part("mk-save").click()
    tuned.says("mk-says", "is no name for a file")
    tuned.part("mk-candidate").locator("input").fill("by_hand")
    tuned.part("mk-candidate").locator("input").press("Tab")
    tuned.part("mk-save").click()
    tuned.says("mk-says", "SELECTED and not judged")
    assert (study / "candidates" / "by_hand.yaml").is_file()


def test_a_dial_that_is_opened_books_its_trials_before_it_shows_any(tuned: Notebook) -> None:
    """The button says how many at most, the face counts them, and there is one slider more."""
    tuned.part("mk-held").locator("select").select_option(label="least close location, 0 to 1: 0.6")
    expect(tuned.part("mk-open")).to_contain_text("up to 3,240 trials more")
    tuned.part("mk-open").click()
    tuned.says("mk-says", "3,240 trials were added", PATIENT_S)
    expect(tuned.part("mk-dial-min-clv")).to_be_visible()
    tuned.page.set_viewport_size({"width": 768, "height": 3200})
    tuned.shoot("tuner_narrow", "Light")
