"""What people read: tables and pages as text, Markdown and HTML, and DataFrames that show themselves in a cell."""

from typing import TYPE_CHECKING, Any

from momentum_kit.pages.markup import (
    LONGEST,
    ColumnHead,
    Html,
    age,
    chip,
    clock,
    gain,
    in_new_york,
    join,
    number,
    table,
    tag,
    text,
)
from momentum_kit.pages.style import TABLE_STYLE

if TYPE_CHECKING:
    from momentum_kit.pages.blocks import Block, RenderedTable, Shown, Words, warnings_of, word
    from momentum_kit.pages.frames import ColumnLook, ReadableFrame, Row, frame_block

__all__ = [
    "LONGEST",
    "TABLE_STYLE",
    "Block",
    "ColumnHead",
    "ColumnLook",
    "Html",
    "ReadableFrame",
    "RenderedTable",
    "Row",
    "Shown",
    "Words",
    "age",
    "chip",
    "clock",
    "frame_block",
    "gain",
    "in_new_york",
    "join",
    "number",
    "table",
    "tag",
    "text",
    "warnings_of",
    "word",
]


_BLOCKS = ("Block", "RenderedTable", "Shown", "Words", "warnings_of", "word")
_FRAMES = ("ColumnLook", "ReadableFrame", "Row", "frame_block")


def __getattr__(name: str) -> Any:
    """What needs pandas on first use (PEP 562): a kit opens, and the panel shows itself, before that has loaded."""
    if name in _BLOCKS:
        from momentum_kit.pages import blocks

        return getattr(blocks, name)
    if name in _FRAMES:
        from momentum_kit.pages import frames

        return getattr(frames, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
