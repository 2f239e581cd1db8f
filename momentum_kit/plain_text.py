"""Words from outside as a terminal, a log, an alert or a table can take them: nothing but what is seen.

A headline, a broker's message or a cell of a vendor's file may hold control characters (a terminal obeys them), halves
of a character (no file or database takes them) or signs that turn the direction of what follows. They end here.
"""

import unicodedata

MOST = 2_000  # characters of anything that is told to a person


def plain_text(words: object, most: int = MOST) -> str:
    """One line without what cannot be seen, no longer than `most`; never raises."""
    text = str(words)
    text = text if len(text) <= most else f"{text[: most - 1]}\u2026"
    return text if text.isprintable() else "".join(map(_seen, text)).strip()


def plain_lines(words: object) -> str:
    """The same for what a command prints on purpose in several lines: their breaks and tabs stay."""
    return "\n".join("\t".join(map(_line, line.split("\t"))) for line in str(words).split("\n"))


def _line(words: str) -> str:
    return words if words.isprintable() else "".join(map(_seen, words))


def _seen(char: str) -> str:
    if char.isprintable():
        return char
    category = unicodedata.category(char)
    return " " if category in ("Cc", "Zl", "Zp", "Zs") else ""
