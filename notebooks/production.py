# %% [markdown]
# # Flight log
#
# One session, start to end: what was configured, what happened, what it earned, and what needs a human. Written by `momentum-kit run`; the engine lives in its own process, this kernel only drives and reports. Times are New York's.

# %% tags=["parameters"]
config = "config/sim.yaml"  # which environment
host = ""  # empty: the configuration's
port = 0  # 0: the configuration's
until = "close-5m"  # 15:55, close-5m, 90m, or a full time with zone

# %%
import asyncio
from contextlib import suppress

from IPython.display import Image

from momentum_kit import Kit
from momentum_kit.errors import EngineError
from momentum_kit.notebook.flight_log import FlightLog

kit = await Kit.open(config, host=host or None, port=port or None)
log = FlightLog(kit, config, until)

# %%
try:
    await kit.start(until=until)
    try:
        await kit.wait()
    except EngineError as error:
        print(error)
except (KeyboardInterrupt, asyncio.CancelledError):
    print("interrupted: stopping in order")
finally:
    with suppress(EngineError):  # it was said above
        await kit.stop()

# %%
log.verdict()

# %% [markdown]
# ## What was configured

# %%
log.configured()

# %% [markdown]
# ## What happened

# %%
picture = kit.run_dir / "timeline.png"
_ = kit.timeline(picture)
Image(picture)

# %%
log.counts()

# %% [markdown]
# ## Profit and costs

# %%
log.result()

# %%
log.round_trips()

# %% [markdown]
# ## Every order, and why

# %%
log.orders()

# %% [markdown]
# ## Why, or why not: the last word on each story

# %%
log.decisions()

# %% [markdown]
# ## Incidents

# %%
log.incidents()

# %% [markdown]
# ## Data quality

# %%
log.data_quality()

# %% [markdown]
# ## Parity with the replay

# %%
log.parity()

# %% [markdown]
# ## What needs a human

# %%
log.needs_a_human()
