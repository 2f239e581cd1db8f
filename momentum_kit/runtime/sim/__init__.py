"""The simulated gateway as a process, and the demo that runs the whole product against it."""

from momentum_kit.runtime.sim.demo import Demo, run_demo
from momentum_kit.runtime.sim.gateway_process import answers_of, make_gateway, open_questions, serve_gateway
from momentum_kit.runtime.sim.progress import demo_progress

__all__ = ["Demo", "answers_of", "demo_progress", "make_gateway", "open_questions", "run_demo", "serve_gateway"]
