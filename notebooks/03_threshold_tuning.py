# %% [markdown]
# # Which thresholds, and can we believe them?
#
# A grid of thresholds, every cell exact and counted; the region that holds and not the luckiest cell; what a little worse luck does to it; a verdict in plain words; and a file that a live session loads only if its hash holds.

# %%
from tempfile import TemporaryDirectory

from momentum_kit import Study

scratch = TemporaryDirectory()  # a study of your own keeps its folder: it remembers every trial and what was sealed
study = Study("data/sample", folder=scratch.name)
study.events()

# %% [markdown]
# ## The grid
#
# From loose to strict; one value alone is held. All cells are computed in one pass: the first decision time at which all conditions hold, once an event.

# %%
sweep = study.sweep(
    {
        "min_z_tod": [2, 4, 6, 8, 10, 12],
        "min_rvol_bar": [2, 4, 6, 8],
        "max_spread_bps": [100, 70, 50, 35, 25],
        "min_dollar_volume_60s_usd": [50_000, 100_000, 150_000, 250_000],
        "min_rvol_cum": [0.5],
        "max_spread_share": [0.5],
    }
)
sweep

# %% [markdown]
# ## Where it holds
#
# Mean net return of a fill. The black frame is the plateau, the cells that are good among good neighbours; orange is its centre, the cell we would take. A lone dark cell is luck.

# %%
sweep.heat_map("min_z_tod", "max_spread_bps")

# %% [markdown]
# ## How much hangs on each threshold

# %%
sweep.sensitivity_plot()

# %% [markdown]
# ## By hand
#
# A dial for each threshold of the grid and for target and holding time, over the open days. Drag one: what a fill nets, by day and over two dials, what the moved limit keeps out, and which events are gained and lost against the configured thresholds; a click on one shows its tape. Opening it books every cell as a trial, once, and dragging adds none; so what it shows is *selected*, and the DSR beside it knows how often somebody tried. (On a page without a kernel: a picture of where it opens.)

# %%
study.tuner(exits={"target_r": [1, 2, 3], "time_stop_s": [300, 900]})

# %% [markdown]
# ## What a session would have traded
#
# Signals go through the risk gate of a session in their order: cool-down, caps, loss limits.

# %%
sweep.simulate()

# %%
sweep.signals_by_day()

# %% [markdown]
# ## Would it have flipped, would it survive, and the verdict
#
# Decisions under a tick, twice the spread and a second more; outcomes at twice the costs and five times the latency; the same headlines at random times; the number of tries. The cut-offs were fixed before any data were seen.

# %%
judgement = study.validate(placebos=3)
judgement

# %% [markdown]
# ## Export
#
# Only what was accepted leaves without a reason, and the reason stands in the file. This one goes into a folder that is thrown away.

# %%
file = study.export("sample", despite="to show the file", folder=f"{scratch.name}/thresholds")
print(file.read_text())

# %% [markdown]
# ## The truth
#
# On real data this section does not exist. Here the market was generated, and what was planted lies beside it.

# %%
sweep.against_truth()

# %% [markdown]
# ## Decision

# %%
judgement.conclusion()
