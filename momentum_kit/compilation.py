"""Compilation of the numeric loops; imported only by the modules that hold them, so that no import pays for it."""

from collections.abc import Callable
from typing import TypeVar, cast

import numba
from numba.extending import register_jitable

Loop = TypeVar("Loop", bound=Callable[..., object])


def compiled(loop: Loop) -> Loop:
    """The loop as machine code, kept on disk where that is possible (an install may be read-only).

    Strict IEEE arithmetic: nan means something here.
    """
    options = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
    try:
        return cast(Loop, numba.njit(cache=True, **options)(loop))
    except RuntimeError:  # no locator available: neither beside the module nor in the user's cache folder
        return cast(Loop, numba.njit(**options)(loop))


def part(loop: Loop) -> Loop:
    """A loop that compiled ones call: its machine code goes into theirs, and called from Python it stays plain.

    A way into machine code from Python would take as long to compile as the loop itself.
    """
    return cast(Loop, register_jitable(error_model="numpy", no_cfunc_wrapper=True)(loop))
