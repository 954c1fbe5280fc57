"""What a calculator holds of one server: the connection, the model's identity and one session of one trajectory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from .client import Connection
from .codec import CLIENT, VERSION, error_in, field, malformed
from .errors import MltsError
from .keys import Keys

Reply = dict[str, Any]
_BUSY_SECONDS = (0.005, 0.5)  # the first and the longest pause before a busy server is asked again


@dataclass(frozen=True)
class Choice:
    """What every evaluation of a calculator has in common."""

    model: str | None
    precision: str
    timeout: float

    def fields(self) -> dict[str, Any]:
        """As they stand in `open` and in `evaluate` without a session."""
        fields = {"precision": self.precision}
        return fields if self.model is None else {"model": self.model, **fields}


@dataclass
class _Open:
    session: int
    numbers: NDArray[np.int32]
    pbc: list[bool]
    cell: bytes | None = None  # as the server remembers it


class Session:
    """Evaluations at one server, for one thread at a time.

    A structure of the same species and periodicity as the one before sends positions only. A session that the server
    reclaimed is opened again unseen; a model that changed under its name is E_HASH.
    """

    def __init__(
        self, endpoint: str, choice: Choice, keys: Keys | None = None, alive: Callable[[], None] | None = None
    ) -> None:
        self._model: dict[str, Any] | None = None
        self._choice = choice
        self._sha256: str | None = None
        self._open: _Open | None = None
        self._connection = Connection(endpoint, keys, alive)
        hello = {"type": "hello", "version": VERSION, "client": CLIENT, "units": {"length": "angstrom", "energy": "eV"}}
        try:
            # A private daemon that is just starting may take its time; `alive` reports one that fails.
            connect = {} if alive is None else {"connect": choice.timeout}
            reply = self._connection.request(hello, choice.timeout, **connect)
            if reply.get("version") != VERSION:
                raise MltsError(
                    "E_VERSION",
                    f"{endpoint} speaks protocol {reply.get('version')}, this client speaks {VERSION}",
                    "Install mlts and mlts_ase of the same version.",
                )
            limits = field(reply, "limits", dict)
            self._max_atoms, self._max_bytes = field(limits, "max_atoms", int), field(limits, "max_bytes", int)
        except BaseException:
            self._connection.close()
            raise

    def evaluate(self, atoms: Atoms, want: Sequence[str]) -> Reply:
        """Evaluate one structure in the session; returns the reply with the arrays still as bytes."""
        for attempt in (1, 2):
            opened = self._opened(atoms)
            message = {"type": "evaluate", "session": opened.session, "positions": _positions(atoms), "want": want}
            cell = _cell(atoms)
            if cell is not None and cell != opened.cell:
                message["cell"] = cell
            try:
                reply = self._request(message)
            except MltsError as error:
                opened.cell = None  # whether a refused request was remembered is the server's affair
                if error.code != "E_SESSION" or attempt == 2:
                    raise
                self._open = None
            else:
                opened.cell = cell
                return reply
        raise AssertionError("unreachable")

    def evaluate_many(self, images: Sequence[Atoms], want: Sequence[str]) -> list[Reply | MltsError]:
        """Evaluate any structures, as many a request as the server's limits allow; faults of one are its entry."""
        outcomes: list[Reply | MltsError] = []
        for systems in self._chunks([_system(atoms) for atoms in images]):
            message = {"type": "evaluate", **self._choice.fields(), **self._pin(), "want": want, "systems": systems}
            results = field(self._request(message), "results", list)
            if len(results) != len(systems) or not all(isinstance(result, dict) for result in results):
                raise malformed(f"a reply whose `results` does not hold one entry for each of {len(systems)} systems")
            outcomes.extend(error_in(result) or result for result in results)
        return outcomes

    def describe(self) -> dict[str, Any]:
        """The model as the server tells it (docs/protocol.md, `models`)."""
        if self._model is None:
            models = field(self._connection.request({"type": "models"}, self._choice.timeout), "models", list)
            named = {field(model, "name", str): model for model in models if isinstance(model, dict)}
            fitting = [model for name, model in named.items() if self._choice.model in (None, name)]
            if len(fitting) != 1:
                raise MltsError(
                    "E_MODEL_NOT_FOUND",
                    f"{self._connection.endpoint} holds {', '.join(named) or 'no model'}",
                    "Name one of its models, or have it started with yours.",
                )
            self._model = fitting[0]
        return dict(self._model)

    def close(self) -> None:
        """Close the session and the connection without waiting for the server."""
        if self._open is not None:
            self._connection.send({"type": "close", "session": self._open.session})
        self._connection.close(linger=200)

    def _opened(self, atoms: Atoms) -> _Open:
        numbers, pbc = atoms.numbers.astype("<i4"), atoms.pbc.tolist()
        now = self._open
        if now is not None and now.pbc == pbc and np.array_equal(now.numbers, numbers):
            return now
        if now is not None:
            self._open = None
            self._connection.send({"type": "close", "session": now.session})
        message = {"type": "open", **self._choice.fields(), **self._pin(), "numbers": numbers.tobytes(), "pbc": pbc}
        reply = self._request(message)
        self._model = field(reply, "model", dict)
        self._open = _Open(field(reply, "session", int), numbers, pbc)
        return self._open

    def _pin(self) -> dict[str, str]:
        return {} if self._sha256 is None else {"sha256": self._sha256}

    def _request(self, message: dict[str, Any]) -> Reply:
        """One request, asked again while the server is busy; checks that the model is still the one of the first."""
        deadline = time.monotonic() + self._choice.timeout
        pause, longest = _BUSY_SECONDS
        while True:
            try:
                reply = self._connection.request(message, self._choice.timeout)
                break
            except MltsError as error:
                if error.code != "E_BUSY" or time.monotonic() + pause > deadline:
                    raise
            time.sleep(pause)
            pause = min(2 * pause, longest)
        sha256 = field(reply, "sha256", str)
        if self._sha256 is None:
            self._sha256 = sha256
        elif sha256 != self._sha256:
            raise MltsError(
                "E_HASH",
                f"the model at {self._connection.endpoint} was {self._sha256[:12]}… and is now {sha256[:12]}…",
                "Make a new calculator to go on with the new model.",
            )
        return reply

    def _chunks(self, systems: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
        chunk: list[dict[str, Any]] = []
        atoms = size = 0
        for system in systems:
            n = len(system["numbers"]) // 4
            length = 28 * n + 200  # the arrays; a cell, keys and headers; what the request says once fits beside
            if chunk and (atoms + n > self._max_atoms or size + length > self._max_bytes):
                yield chunk
                chunk, atoms, size = [], 0, 0
            chunk.append(system)
            atoms, size = atoms + n, size + length
        if chunk:
            yield chunk


def _positions(atoms: Atoms) -> bytes:
    return bytes(atoms.positions.astype("<f8").tobytes())


def _cell(atoms: Atoms) -> bytes | None:
    """Cell of a periodic structure; vectors that ASE leaves zero along open directions are completed."""
    if not atoms.pbc.any():
        return None
    lengths = atoms.cell.lengths()
    open_directions_only = not np.any(atoms.pbc & (lengths == 0))
    cell = atoms.cell.complete() if open_directions_only else atoms.cell
    return np.asarray(cell).astype("<f8").tobytes()


def _system(atoms: Atoms) -> dict[str, Any]:
    system = {"numbers": atoms.numbers.astype("<i4").tobytes(), "positions": _positions(atoms)}
    cell = _cell(atoms)
    return system if cell is None else {**system, "cell": cell, "pbc": atoms.pbc.tolist()}
