# %% [markdown]
# # What did the week teach?
#
# Each finished trade on its tape, all of them by what they have in common, your own tags and notes beside them. The two days here are the sample's, lived again through the services of a live session; put the folder of your own sessions in their place.

# %%
import subprocess
import sys
from tempfile import TemporaryDirectory

from momentum_kit import Review

runs = TemporaryDirectory()  # sessions of your own: leave this and the loop out, and say Review("runs")
for day in ("2026-05-12", "2026-05-18"):
    lived = ["replay", day, "--archive", "data/sample", "--out", f"{runs.name}/{day}"]
    subprocess.run([sys.executable, "-m", "momentum_kit.cli", *lived], check=True)

# %% [markdown]
# ## Trades
#
# `mae_usd` and `mfe_usd` are the worst and the best while it was held. A trade that went far your way and came back asks for another exit; one that never went your way asks whether it should have been entered.

# %%
review = Review(runs.name)
review.trades()

# %% [markdown]
# ## One on its tape
#
# Grey: bid to ask. Shaded: while it was held. Dashed: what was paid, stop and target as they were placed.

# %%
review.picture(2)

# %% [markdown]
# ## All together
#
# Trades that lost although they had been further ahead than behind ask for another exit, hours that lose for another clock; both once there are enough of them.

# %%
review.overview()

# %% [markdown]
# ## What they have in common
#
# A group of fewer than thirty is a rumour, and its mark says so.

# %%
review.by("catalyst")

# %%
review.by("exit")

# %% [markdown]
# ## What you saw
#
# Tags and notes stay in the folder of the session, and every later review finds them. A tag is a group like any other.

# %%
review.tag(1, "came back")
review.tag(2, "came back", "slow tape")
review.note(2, "twice 40 USD ahead, sold at the time stop")
review.by("tag")

# %% [markdown]
# ## HINDSIGHT
#
# What other exits would have made of the same entries. Whoever looks here has tried 36 strategies on these days: they are counted as trials before they are shown, and every verdict on these days is the stricter for it.

# %%
review.other_exits()

# %% [markdown]
# ## The review
#
# `review.page("week.html")` writes all of it, with every picture, as one file to keep or to send.

# %%
review
