"""Compilation of the numeric loops; imported only by the modules that hold them, so that no import pays for it."""

from collections.abc import Callable
from typing import TypeVar, cast

import numba

Loop = TypeVar("Loop", bound=Callable[..., object])


def compiled(loop: Loop) -> Loop:
    """The loop as machine code, kept on disk where that is possible (an install may be read-only).

    Strict IEEE arithmetic: nan means something here.
    """
    try:
        return cast(Loop, numba.njit(cache=True, nogil=True, error_model="numpy")(loop))
    except RuntimeError:  # no locator available: neither beside the module nor in the user's cache folder
        return cast(Loop, numba.njit(nogil=True, error_model="numpy")(loop))
