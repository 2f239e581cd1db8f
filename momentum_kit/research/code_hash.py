"""Which code computed a result: the release and a hash of the installed source, a checkout's changes included."""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

import momentum_kit


@cache
def code_version() -> str:
    """Such as `0.1.0+src.3f9c2a51d0be`: equal for equal source files, wherever they lie and whatever git says."""
    root = Path(momentum_kit.__file__).parent
    digest = hashlib.sha256()
    for file in sorted(root.rglob("*.py")):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return f"{version('momentum-kit')}+src.{digest.hexdigest()[:12]}"
