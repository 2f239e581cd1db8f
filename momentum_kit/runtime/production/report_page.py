"""The executed notebook as one HTML file that loads nothing: production.html, for whoever has no Jupyter."""

import html
import re
from pathlib import Path
from typing import Any

from momentum_kit.errors import StorageError
from momentum_kit.private_files import write_whole

# Names of JupyterLab's theme variables, which our views use, as a browser alone knows them.
_STYLE = """
:root { color-scheme: light dark; --jp-layout-color1: #fff; --jp-layout-color2: #f3f4f6; --jp-ui-font-color1: #1f2933;
  --jp-ui-font-color2: #56616b; --jp-border-color2: #d5dade; --jp-ui-font-family: system-ui, "DejaVu Sans", sans-serif;
  --jp-ui-font-size1: 13px; }
@media (prefers-color-scheme: dark) { :root { --jp-layout-color1: #16191d; --jp-layout-color2: #22272d;
  --jp-ui-font-color1: #e4e8ec; --jp-ui-font-color2: #a3adb6; --jp-border-color2: #3a424a; }
  .mk-gain { color: #4fd08f !important; } .mk-loss { color: #ff7d88 !important; } }
body { margin: 0 auto; padding: 24px 28px 60px; max-width: 1240px; background: var(--jp-layout-color1);
  color: var(--jp-ui-font-color1); font: 14px/1.5 var(--jp-ui-font-family); }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 30px 0 6px; padding-top: 10px;
  border-top: 1px solid var(--jp-border-color2); }
.anchor-link, .jp-InputPrompt, .jp-OutputPrompt, .prompt, .jp-InputArea-prompt { display: none; }
img { max-width: 100%; height: auto; background: #fff; border-radius: 4px; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; padding: 8px 12px; border-radius: 4px; margin: 6px 0;
  background: var(--jp-layout-color2); font: 13px/1.45 "DejaVu Sans Mono", monospace; }
div.mk-card { max-width: none; }
div.mk-flight { margin-bottom: 18px; } div.mk-flight .mk-table { width: auto; max-width: 100%; }
div.mk-flight .mk-table :is(th, td) { padding-right: 18px; }
.jp-OutputArea-output { overflow-x: auto; }
table:not(.mk-table) { border-collapse: collapse; font-size: 13px; }
table:not(.mk-table) :is(th, td) { padding: 2px 10px 2px 0; border-bottom: 1px solid var(--jp-border-color2); }
.mk-table tbody tr:hover { background: var(--jp-layout-color2); }
@media print { body { max-width: none; padding: 0; } h2 { break-after: avoid; } tr, img { break-inside: avoid; } }
"""
# What nbconvert lets a notebook bring along is shown, never run: outputs quote words from outside.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def write_page(notebook: Path, title: str) -> Path | None:
    """NAME.html beside an executed notebook, without its code; None where nbconvert is not installed.

    Raises StorageError on a full disk, or where the notebook cannot be read.
    """
    try:
        from nbconvert.exporters import HTMLExporter
    except ImportError:
        return None
    exporter: Any = HTMLExporter  # traitlets leaves its constructor untyped
    page = notebook.with_suffix(".html")
    try:
        body, _ = exporter(template_name="basic", exclude_input=True, embed_images=True).from_filename(str(notebook))
        write_whole(page, _page(body, title))
    except (OSError, ValueError) as error:
        raise StorageError(f"{page} could not be written: {error}") from None
    return page


def _page(body: str, title: str) -> str:
    seen: set[str] = set()

    def once(match: re.Match[str]) -> str:
        style = match[0]
        if style in seen:
            return ""
        seen.add(style)
        return style

    body = re.sub(r"<style>.*?</style>", once, body, flags=re.DOTALL)  # each section brings the same sheet
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style>"
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n{body}\n</body></html>\n'
