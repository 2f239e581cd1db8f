"""Plays a scenario's faults: in the market's voice, in a client's messages, at its socket."""
