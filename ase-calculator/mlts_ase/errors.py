"""The one error type of mlts; the same codes travel on the wire and are raised by every client."""

from __future__ import annotations

from ase.calculators.calculator import CalculatorError

CODES = {
    "E_USAGE": "wrong command line, option or argument",
    "E_FILE": "a file cannot be read, written or parsed",
    "E_DISK": "no space left, or the disk refused a write",
    "E_MODEL": "a model file is not valid, or its card contradicts its tensors",
    "E_MODEL_NOT_FOUND": "no model of that name",
    "E_SPECIES": "an element the model does not know",
    "E_NONFINITE": "a NaN or infinite coordinate, cell or result",
    "E_OVERLAP": "two atoms closer than the model's shortest distance",
    "E_CELL": "a singular, left-handed or missing cell",
    "E_EMPTY": "a system without atoms, a batch without systems, a model without members",
    "E_SHAPE": "an array of the wrong type or length",
    "E_LIMIT": "a request over the limits of this server",
    "E_BUSY": "the queue is full: try again",
    "E_VERSION": "protocol versions that do not meet",
    "E_PROTOCOL": "bytes that are not a message of this protocol",
    "E_SESSION": "no such session: never opened, closed, or reclaimed after idling",
    "E_HASH": "the model behind a name changed during a run",
    "E_TIMEOUT": "no answer in time",
    "E_CONNECT": "the server cannot be reached",
    "E_ADDRESS": "an endpoint that is taken or not valid",
    "E_KEYS": "CURVE keys that are missing, malformed or refused",
    "E_CHECKSUM": "downloaded or stored bytes that do not have the pinned SHA-256",
    "E_CANCELLED": "cancelled by the caller",
    "E_SHUTDOWN": "the server is stopping and takes no new work",
    "E_UNSTABLE": "a simulation that ran away: too fast, too close, too small, or off its constraints",
    "E_UNAVAILABLE": "a backend, tool or feature that is not available on this machine",
    "E_INTERNAL": "a defect of mlts itself",
}


class MltsError(CalculatorError):  # type: ignore[misc]
    """What went wrong, where (the value and the bound), and what to do about it.

    Attributes
    ----------
    code : one of `CODES`
    what : the thing, its value and the bound; one sentence without its full stop
    remedy : what the user can do; one sentence
    atom : index of the offending atom in the caller's own order, where one atom is to blame
    """

    def __init__(self, code: str, what: str, remedy: str, atom: int | None = None) -> None:
        super().__init__(f"{code}: {what}. {remedy}")
        self.code = code
        self.what = what
        self.remedy = remedy
        self.atom = atom

    def __reduce__(self) -> tuple[type[MltsError], tuple[str, str, str, int | None]]:
        return type(self), (self.code, self.what, self.remedy, self.atom)
