"""Which environment variables a setting may name: ours, or those that the user lists in the environment itself.

A setting that names a variable has it sent somewhere, as a key or an address. A configuration from elsewhere could name
any (a cloud's key, a token of a repository) and a host of its own; what the user has not given to the kit stays here.
"""

import os

LISTED = "MOMENTUM_KIT_SECRETS"  # names that the user allows besides, separated by blanks


def allowed_name(name: str, prefix: str) -> str:
    """The name; ValueError unless it has the prefix of this use, or stands in LISTED."""
    if name.startswith(prefix) or name in os.environ.get(LISTED, "").split():
        return name
    raise ValueError(f"{name!r} is not sent anywhere: name it {prefix}..., or list it in the environment as {LISTED}")
