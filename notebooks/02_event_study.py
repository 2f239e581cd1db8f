# %% [markdown]
# # What does the tape do around a headline?
#
# The move first, then what a buyer would have had of it. The last fifth of the days is sealed: no cell below can see it.

# %%
from tempfile import TemporaryDirectory

from momentum_kit import Study

scratch = TemporaryDirectory()  # a study of your own keeps its folder: leave this out
study = Study("data/sample", folder=scratch.name)
study.events()

# %% [markdown]
# ## All headlines
#
# Left: price against the last one before the headline, with bands from whole days drawn again, since headlines of one day share its market. The grey half must be flat: a drift before the headline is a leak or a wrong clock, never an edge. Right: every headline bought without any rule, at each time a live session decides, after spread, impact, latency, commissions and fees.

# %%
everything = study.event_study()
everything.plot()

# %%
everything.conclusion()

# %% [markdown]
# ## By size of the shock
#
# The shock is the return of 60 seconds over its usual size at that time of day, as it stood at the first decision after the headline. Tenths of all events, pale to dark.

# %%
by_shock = study.event_study(by="shock")
by_shock.plot()

# %% [markdown]
# ## By catalyst
#
# Moves in bps before costs; net: bought ten seconds after reception, after costs, with its 95% band. Fewer than 30 events in a group, and its row is a rumour: the mark says so.

# %%
study.event_study(by="catalyst")

# %% [markdown]
# ## Decision

# %%
by_shock.conclusion()
