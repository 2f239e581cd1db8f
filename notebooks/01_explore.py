# %% [markdown]
# # What is in this archive?
#
# Before any threshold is tuned: which headlines there are, when they arrived, who is missing, and whether the bars can be trusted. The archive is the committed sample, a small generated market whose truth is known; put the folder of your own here.

# %%
from momentum_kit import Study

study = Study("data/sample")

# %% [markdown]
# ## Who speaks, and about what
#
# An item is a story tied to a contract. What came of no item is counted with its reason: a ticker that matched no contract of its day is a company that is gone, and leaving those out flatters every backtest.

# %%
counts = study.counts()
counts

# %%
counts.by("catalyst", "session")

# %% [markdown]
# ## How late they arrive
#
# A backtest that trades at the time of publication trades on what nobody had. Everything later in these notebooks uses the time of reception.

# %%
counts.delay_plot()

# %% [markdown]
# ## Can the bars be trusted?
#
# Crossed quotes and false prints are in every feed, and in this one on purpose. A decision refuses a quote that is crossed or old.

# %%
study.quality()

# %% [markdown]
# ## One headline on its tape
#
# The headline arrives a second or two late, and by then most of the move is over. What is left is what the next two notebooks are about.

# %%
headline = counts.items[counts.items["catalyst"] == "fda"].iloc[3]
study.tape_plot(headline)

# %% [markdown]
# ## Decision

# %%
counts.conclusion()
