"""The only importer of ibapi: its thread on one side, futures and streams on the other."""
