"""What people read: tables and pages as text, Markdown and HTML, and DataFrames that show themselves in a cell."""

from typing import TYPE_CHECKING

from momentum_kit.lazy_faces import lazy_names
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
    from momentum_kit.pages.blocks import Block, RenderedTable, Shown, Words, warnings_of, word, write_page
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
    "write_page",
]

_HOMES = {
    "Block": "momentum_kit.pages.blocks",
    "ColumnLook": "momentum_kit.pages.frames",
    "ReadableFrame": "momentum_kit.pages.frames",
    "RenderedTable": "momentum_kit.pages.blocks",
    "Row": "momentum_kit.pages.frames",
    "Shown": "momentum_kit.pages.blocks",
    "Words": "momentum_kit.pages.blocks",
    "frame_block": "momentum_kit.pages.frames",
    "warnings_of": "momentum_kit.pages.blocks",
    "word": "momentum_kit.pages.blocks",
    "write_page": "momentum_kit.pages.blocks",
}

__getattr__ = lazy_names(__name__, _HOMES)  # a kit opens, and the panel shows itself, before pandas has loaded
