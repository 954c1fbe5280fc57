"""Frames of the wire protocol (docs/protocol.md, version 1) to Python values and back; no sockets, no ASE."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgpack
import numpy as np
from numpy.typing import NDArray

from .errors import CODES, MltsError

VERSION = 1
CLIENT = "ase 0.1.0"


def encode(message: Mapping[str, Any]) -> bytes:
    """One message as the bytes of one frame."""
    return bytes(msgpack.packb(message))


def decode(frame: bytes) -> dict[str, Any]:
    """One frame as a message; any bytes that are no message raise MltsError E_PROTOCOL."""
    try:
        message = msgpack.unpackb(frame)
    except (ValueError, TypeError, OverflowError, RecursionError, msgpack.UnpackException) as error:
        raise malformed(f"{len(frame)} bytes that are not MessagePack ({type(error).__name__})") from error
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise malformed(f"{len(frame)} bytes that hold no map with a `type`")
    return message


T = TypeVar("T")


def field(reply: Mapping[str, Any], name: str, kind: type[T]) -> T:
    """Field `name` of a reply, which must be of type `kind`; raises E_PROTOCOL."""
    value = reply.get(name)
    if not isinstance(value, kind):
        raise malformed(f"a reply whose `{name}` is {type(value).__name__} where {kind.__name__} belongs")
    return value


def array(reply: Mapping[str, Any], name: str, shape: Sequence[int], dtype: str = "<f8") -> NDArray[np.float64]:
    """Field `name` of a reply as a new float64 array.

    One entry of `shape` may be −1: that length follows from the number of bytes. Raises E_PROTOCOL for a missing
    field or a wrong length, E_NONFINITE for a NaN or an infinity.
    """
    data = field(reply, name, bytes)
    try:
        values = np.frombuffer(data, dtype).reshape(shape).astype(np.float64)
    except ValueError as error:
        raise malformed(f"a reply whose `{name}` has {len(data)} bytes, which is no {tuple(shape)}") from error
    if not np.isfinite(values).all():
        raise _nonfinite(name)
    return values


def number(reply: Mapping[str, Any], name: str) -> float:
    """Scalar field `name` of a reply; an encoder may have written a whole number as an integer."""
    value = reply.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise malformed(f"a reply whose `{name}` is {type(value).__name__} where a number belongs")
    if not math.isfinite(value):
        raise _nonfinite(name)
    return float(value)


def error_in(reply: Mapping[str, Any]) -> MltsError | None:
    """The error that a reply, or one entry of `results`, carries; None where it carries results."""
    code = reply.get("code")
    if code is None and reply.get("type") != "error":
        return None
    what, remedy, atom = reply.get("what"), reply.get("remedy"), reply.get("atom")
    if not isinstance(code, str) or not isinstance(what, str) or not isinstance(remedy, str):
        return malformed("an error reply without code, what and remedy")
    if code not in CODES:
        what, code = f"{what} (a code this client does not know: {code})", "E_PROTOCOL"
    return MltsError(code, what, remedy, atom if isinstance(atom, int) else None)


def malformed(what: str) -> MltsError:
    """The error of a peer that does not keep to the protocol."""
    return MltsError("E_PROTOCOL", f"received {what}", "Check that the endpoint is an mlts server of protocol 1.")


def _nonfinite(name: str) -> MltsError:
    return MltsError(
        "E_NONFINITE",
        f"a reply holds a NaN or infinite `{name}`",
        "Look at the structure: atoms may be far from any data.",
    )
