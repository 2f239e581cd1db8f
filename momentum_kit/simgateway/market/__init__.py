"""The simulated market: generated, recorded or from real bars; tapes, history, headlines."""
