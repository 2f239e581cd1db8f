"""The control endpoint: how kit, panel and command line reach a running engine, over local HTTP."""
