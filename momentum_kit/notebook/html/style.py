"""How panel, status card and flight log look: what they add to the style sheet of the tables."""

from momentum_kit.pages import TABLE_STYLE, Html

STALE_S = 8  # without a repaint for so long the browser itself says that the kernel is silent

_CSS = """
.mk-panel { border: 1px solid var(--mk-line); border-radius: 6px; padding: 8px; gap: 8px; min-width: 300px;
  background: var(--jp-layout-color1, #fff); container: mk / inline-size; }
.mk-panel .widget-html-content, .mk-panel .widget-html { line-height: 1.4; }
.mk-panel .jupyter-widgets { margin: 0; }
.mk-panel .widget-html-content { width: 100%; }
.mk-banner { display: flex; flex-wrap: wrap; gap: 6px 16px; align-items: center; padding: 8px 12px; border-radius: 4px;
  color: #fff; background: var(--mk-mode); }
.mk-mode-sim { --mk-mode: #245b78; background: repeating-linear-gradient(135deg, #245b78 0 14px, #1e4f69 14px 28px); }
.mk-mode-paper { --mk-mode: #8a5200; }
.mk-mode-live { --mk-mode: #b3001b; outline: 3px solid #ff4d5e; outline-offset: -3px; }
.mk-mode { font-size: 1.35em; font-weight: 700; letter-spacing: .04em; }
.mk-banner .mk-reason { flex: 1 1 90px; min-width: 90px; overflow-wrap: anywhere; }
.mk-banner .mk-figure { margin-left: auto; text-align: right; }
.mk-banner b { font-size: 1.15em; font-variant-numeric: tabular-nums; }
.mk-state { font-weight: 700; padding: 2px 10px; border-radius: 12px; background: rgba(0,0,0,.38); }
.mk-state-running { background: #0c7a3e; }
.mk-state-killed { background: #d3001f; outline: 2px solid #fff; font-size: 1.35em; letter-spacing: .06em; }
.mk-state-lost { background: #ffd23f; color: #241a00; font-size: 1.15em; }
.mk-state-waiting { background: transparent; outline: 2px solid #fff; outline-offset: -2px; }
.mk-state-flattening, .mk-state-stopping { background: #6d3bb5; }
.mk-state-paused, .mk-state-reduce_only { background: #fff; color: #5a3500; }
.mk-gone .mk-banner { background: repeating-linear-gradient(135deg, #4d545b 0 14px, #42484f 14px 28px);
  outline: none; border-left: 12px solid var(--mk-mode); }
.mk .mk-is-killed { background: #000; outline: 3px solid #ff4d5e; outline-offset: -3px; }
.mk-lights { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 140px), 1fr)); gap: 6px;
  margin-top: 6px; }
.mk-light { border: 1px solid var(--mk-line); border-left: 6px solid var(--mk-off); border-radius: 4px;
  padding: 3px 8px; min-width: 0; overflow-wrap: anywhere; }
.mk-light small { color: var(--mk-faint); }
.mk-light-up { border-left-color: #21a35f; }
.mk-light-degraded { border-color: #e8950c; background: #e8950c; } .mk-light-degraded * { color: #201300; }
.mk-light-down { border-color: #b3001b; background: #b3001b; } .mk .mk-light-down * { color: #fff; }
.mk-light b { text-transform: uppercase; font-size: .92em; letter-spacing: .03em; }
.mk-banner .mk-gain, .mk-banner .mk-loss { color: #fff; }
.mk-panel .jupyter-widgets-disconnected::before, .mk-panel.jupyter-widgets-disconnected::before { display: none; }
.mk-panel.jupyter-widgets-disconnected :is(.mk-banner, .mk-light, .mk-button, .mk-box) {
  filter: grayscale(1); opacity: .6; }
.mk-hint { padding-top: 4px; color: var(--mk-faint); }
.mk-bars { display: grid; grid-template-columns: 76px 1fr; font-variant-numeric: tabular-nums; }
.mk-bars > :last-child { display: flex; flex-wrap: wrap; gap: 0 12px; }
.mk-panel :is(button, .noUi-handle):focus-visible { outline: 3px solid var(--jp-brand-color1, #1976d2);
  outline-offset: 1px; }
.mk-panel .widget-hslider { flex-wrap: wrap; height: auto; }
.mk-panel .widget-hslider .slider-container { flex: 1 1 60px; min-width: 60px; }
.mk-panel .widget-hslider .widget-readout { min-width: 48px; }
.mk-panel .widget-hslider .widget-label { flex: 1 0 100%; max-width: 100%; text-align: left; margin: 0;
  height: 22px; line-height: 22px; }
.mk-panel .widget-hslider .noUi-target[disabled] { opacity: .8; }
.mk-panel .noUi-connects { background: var(--jp-border-color1, #bdbdbd); }
.mk-panel .noUi-handle { background: var(--jp-brand-color1, #1976d2); border: 2px solid var(--mk-bg);
  box-shadow: 0 0 0 1px var(--mk-ink); }
.mk-panel [disabled] .noUi-handle { background: var(--mk-off); box-shadow: none; }
.mk-panel .mk-button { height: 34px; line-height: 32px; font-weight: 600; min-width: 96px; width: auto;
  border-radius: 4px; }
.mk-panel .mk-kill-ask { margin-left: 18px; border: 2px solid #d3273a; line-height: 28px; }
.mk-panel .mk-kill:not(:disabled) { background: #b3001b; color: #fff; }
.mk-panel .mk-flatten:not(:disabled) { background: #6d3bb5; color: #fff; }
.mk-stale { position: sticky; top: 0; z-index: 5; background: #b3001b; color: #fff; font-weight: 700; padding: 0 12px;
  border-radius: 4px; max-height: 0; overflow: hidden; visibility: hidden;
  animation: mk-stale 0s linear STALE_Ss forwards; }
@keyframes mk-stale { to { visibility: visible; max-height: 6em; padding: 6px 12px; margin-bottom: 6px; } }
.mk-panel .mk-table :is(th, td):last-child { padding-right: 0; }
@container mk (max-width: 900px) { .jp-RenderedHTMLCommon .mk-table, .mk-table { font-size: .88em; } }
@container mk (max-width: 560px) {
  .mk-table, .mk-table tbody, .mk-table caption { display: block; } .mk-table thead { display: none; }
  .mk-table tr { display: flex; flex-wrap: wrap; gap: 0 10px; align-items: baseline; padding: 3px 0;
    border-bottom: 1px solid var(--mk-line); }
  .jp-RenderedHTMLCommon .mk-table td, .mk-table td { border: 0; padding: 0; }
  .mk-table td:has(> .mk-wrap) { flex: 1 1 100%; }
  .mk-table td[data-head]::before { content: attr(data-head) " "; color: var(--mk-faint); }
}
.mk-card { border: 1px solid var(--mk-line); border-radius: 6px; padding: 8px; max-width: 980px;
  background: var(--mk-bg); }
.mk-card > * + *, .jp-RenderedHTMLCommon .mk-card > .mk-table { margin-top: 10px; }
"""

STYLE = Html(f"{TABLE_STYLE}<style>{_CSS.replace('STALE_S', str(STALE_S))}</style>")
