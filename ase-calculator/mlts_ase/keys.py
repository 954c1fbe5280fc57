"""CURVE keys: which server a client trusts, and who the client is (docs/serving.md)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import zmq.utils.z85 as z85

from .errors import MltsError


@dataclass(frozen=True)
class Keys:
    """Keys in Z85, 40 characters each: the server's public key, this client's public and secret key."""

    server: str
    public: str
    secret: str


def read_keys(path: str) -> Keys:
    """The keys of a client's file, as `mlts keys generate FILE --server KEY` writes it; raises E_KEYS."""
    try:
        content = json.loads(Path(path).expanduser().read_text())
    except (OSError, ValueError) as error:
        raise _invalid(f"{path} cannot be read as a key file ({error})") from error
    fields = ("server", "public", "secret")
    for field in fields:
        value = content.get(field) if isinstance(content, dict) else None
        if not isinstance(value, str) or not _is_key(value):
            raise _invalid(f"{path} has no valid `{field}` key (40 characters of Z85)")
    return Keys(*(content[field] for field in fields))


def _is_key(text: str) -> bool:
    try:
        return len(text) == 40 and len(z85.decode(text)) == 32
    except (KeyError, ValueError, OverflowError):
        return False


def _invalid(what: str) -> MltsError:
    return MltsError("E_KEYS", what, "Make one with `mlts keys generate FILE --server SERVER-PUBLIC-KEY`.")
