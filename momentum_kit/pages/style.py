"""How tables and short words look in a notebook: one style sheet on JupyterLab's theme variables, dark and light."""

from momentum_kit.pages.markup import Html

_CSS = """
.mk { --mk-bg: var(--jp-layout-color1, #fff); --mk-soft: var(--jp-layout-color2, #f3f4f6);
  --mk-ink: var(--jp-ui-font-color1, #1f2933); --mk-faint: var(--jp-ui-font-color2, #5b6670);
  --mk-line: var(--jp-border-color2, #d5dade); --mk-good: #1b7f4b; --mk-warn: #9a5b00; --mk-bad: #c21525;
  --mk-info: #1f5fa8; --mk-off: #5f6b76; color: var(--mk-ink);
  font-family: var(--jp-ui-font-family, sans-serif); font-size: var(--jp-ui-font-size1, 13px); line-height: 1.4; }
.mk-faint, .mk-empty { color: var(--mk-faint); }
.mk-faint b { color: var(--mk-ink); }
.mk-words { border-radius: 4px; padding: 6px 10px; margin-top: 6px; overflow-wrap: anywhere;
  border: 1px solid var(--mk-line); background: var(--mk-soft); }
.mk-words-bad { border-color: #e02a3c; border-left-width: 6px; background: rgba(224,42,60,.14); font-weight: 600; }
.mk-words-warn { border-color: #e8950c; border-left-width: 6px; background: rgba(232,149,12,.13); }
.mk-chip { display: inline-block; padding: 0 7px; border-radius: 9px; color: #fff; font-size: .92em; font-weight: 600;
  white-space: nowrap; }
.mk-good { background: var(--mk-good); } .mk-warn { background: var(--mk-warn); } .mk-bad { background: var(--mk-bad); }
.mk-info { background: var(--mk-info); } .mk-off { background: var(--mk-off); }
.mk-gain { color: #128a4e; } .mk-loss { color: #d3273a; }
[data-jp-theme-light="false"] .mk-gain { color: #4fd08f; } [data-jp-theme-light="false"] .mk-loss { color: #ff7d88; }
.jp-RenderedHTMLCommon .mk-table, .mk-table { border-collapse: collapse; width: 100%; margin: 0; font-size: .95em;
  table-layout: auto; }
.mk-table caption, .mk-caption { text-align: left; font-weight: 700; padding: 2px 0; caption-side: top;
  font-size: var(--jp-ui-font-size1, 13px);
  color: var(--mk-ink); }
.jp-RenderedHTMLCommon .mk-table th, .mk-table th { text-align: left; font-weight: 600; color: var(--mk-faint);
  position: sticky; top: 0; background: var(--mk-bg); }
.jp-RenderedHTMLCommon .mk-table :is(th, td), .mk-table :is(th, td) { padding: 2px 6px 2px 0; vertical-align: top;
  border-bottom: 1px solid var(--mk-line); text-align: left; white-space: nowrap; max-width: none; }
.jp-RenderedHTMLCommon .mk-table td.mk-wrap, .mk-table td:has(> .mk-wrap) { white-space: normal; min-width: 105px;
  overflow-wrap: anywhere; }
.jp-RenderedHTMLCommon .mk-table .mk-number, .mk-table .mk-number { text-align: right;
  font-variant-numeric: tabular-nums; }
.mk-box { border: 1px solid var(--mk-line, var(--jp-border-color2, #d5dade)); border-radius: 4px; padding: 4px 8px;
  overflow: auto; min-width: 0; scrollbar-width: thin; }
.mk-lines { font-family: var(--jp-code-font-family, monospace); font-size: .88em; white-space: pre-wrap;
  overflow-wrap: anywhere; }
.mk-frame { overflow-x: auto; max-width: 100%; margin-bottom: 10px; }
.jp-RenderedHTMLCommon .mk-frame .mk-table, .mk-frame .mk-table { width: auto; }
.jp-RenderedHTMLCommon .mk-frame :is(th, td), .mk-frame :is(th, td) { padding: 3px 16px 3px 0; }
.mk-frame caption { white-space: nowrap; }
.mk-table th small { font-weight: 400; }
.mk-frame .mk-wrap { min-width: 340px; max-width: 560px; white-space: normal; overflow-wrap: anywhere; }
.mk-frame tbody tr:hover { background: var(--mk-soft); }
"""

TABLE_STYLE = Html(f"<style>{_CSS}</style>")
