"""The simulated gateway as a process, and the demo that runs the whole product against it."""
