# %% [markdown]
# # Live control
#
# A whole session in under two minutes: a simulated gateway, an engine in a process of its own, and the panel that a desk would watch. Nothing here leaves this machine. Against a real paper account only the configuration changes: `config/paper.yaml`.

# %%
import asyncio
from contextlib import ExitStack
from pathlib import Path
from tempfile import mkdtemp

from IPython.display import Image

from momentum_kit import Kit
from momentum_kit.runtime.sim import gateway_process

# %% [markdown]
# ## A market to trade on
#
# The first 90 minutes of a Friday with planted news, served in lock-step: the market waits for the engine, so that a busy machine changes nothing. What `momentum-kit sim` does in a terminal.

# %%
opened = ExitStack()
arguments = ["--port", "0", "--scenario", "demo", "--seed", "7", "--lock-step", "1"]
port = opened.enter_context(gateway_process(arguments, Path(mkdtemp()) / "gateway.err"))

# %%
kit = await Kit.open("config/demo.yaml", port=port)
kit

# %% [markdown]
# ## The panel
#
# Lights for the four layers of the connection, commands, thresholds beside what they would have signalled, and everything that happens. It goes on updating while cells run; a click may wait for a cell that computes, `momentum-kit kill --config FILE` in a terminal, as the panel prints it, never does.

# %%
kit.panel()

# %% [markdown]
# ## The session
#
# Reconcile with the broker, then trade for an hour of market time.

# %%
await kit.start(until="60m")
await asyncio.sleep(3)  # some twenty minutes of market time
kit.status().counts

# %% [markdown]
# Whatever the panel does, the kit does too.

# %%
await kit.pause()

# %%
await kit.resume()

# %% [markdown]
# Thresholds change as one journalled set, from the next decision on, and back to the tuned file's.

# %%
await kit.set_thresholds(min_z_tod=6.0, max_spread_bps=60.0)

# %%
await kit.revert_thresholds()

# %% [markdown]
# ## Asking the broker
#
# What an analyst wants of IB beside the session, over a connection of its own: scans, ticks, costs of an order, profit.
# Nothing that is asked here can touch an order. [docs/api.md](../docs/api.md) has the whole list.

# %%
await kit.scan("TOP_PERC_GAIN", above_price=2, rows=5)

# %%
await kit.historical_ticks("AAPL", end=kit.status().market_time, count=5)

# %%
await kit.tick_by_tick("AAPL", "BidAsk", seconds=1, count=5)

# %%
await kit.what_if("AAPL", "BUY", 100, limit_price=150)

# %%
await kit.profit()

# %% [markdown]
# ## Its end
#
# At the appointed time the engine closes what is held and ends. An interrupt of this cell would end the waiting, not the session.

# %%
await kit.wait()
kit

# %% [markdown]
# ## What happened

# %%
picture = Path(mkdtemp()) / "timeline.png"
_ = kit.timeline(picture)
Image(picture)

# %%
columns = ["symbol", "opened_at", "closed_at", "quantity", "entry_price", "exit_price", "net_usd", "r", "reason"]
kit.round_trips()[columns]

# %%
kit.report()

# %% [markdown]
# Each headline that was not traded, with its reason.

# %%
last = kit.decisions().query("final and verdict == 'skip'")
last[["decided_at", "symbol", "reason", "detail"]]

# %%
kit.panel().close()
opened.close()
