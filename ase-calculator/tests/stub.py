"""A server in Python for faults that the real one cannot be brought to: silence, garbage, lies.

It answers a made-up ensemble, E_m = ½ k_m Σ |r_i − c|² with k_m = 1 … M, so results can be told apart from nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeAlias

import msgpack
import numpy as np
import zmq

Message: TypeAlias = dict[str, Any]
Fault: TypeAlias = Callable[[Message], "bytes | list[bytes] | Message | None"]
MODEL: Message = {
    "name": "stub",
    "sha256": "5" * 64,
    "architecture": "ani",
    "elements": [1, 8],
    "cutoff": 5.0,
    "reach": 5.0,
    "members": 3,
    "min_distance": 0.1,
}


class Stub:
    """Answers on `endpoint`; `fault(request)` may return bytes, frames or a map to send instead, None for no reply."""

    def __init__(self, endpoint: str = "tcp://127.0.0.1:*", limits: Message | None = None) -> None:
        self.requests: list[Message] = []
        self.fault: Fault | None = None
        self._limits = limits or {"max_atoms": 1000, "max_bytes": 1 << 20, "max_depth": 16}
        self._sessions: dict[int, Message] = {}
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.bind(endpoint)
        self.endpoint: str = self._socket.last_endpoint.decode()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def forget_sessions(self) -> None:
        self._sessions.clear()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def __enter__(self) -> Stub:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _run(self) -> None:
        while not self._stopped.is_set():
            if not self._socket.poll(20):
                continue
            identity, frame = self._socket.recv_multipart()
            request = msgpack.unpackb(frame)
            self.requests.append(request)
            reply = self.answer(request) if self.fault is None else self.fault(request)
            if isinstance(reply, dict):
                reply = msgpack.packb({"id": request["id"], **reply})
            if reply is not None:
                self._socket.send_multipart([identity, *([reply] if isinstance(reply, bytes) else reply)])
        self._socket.close()

    def answer(self, request: Message) -> Message:
        """The honest reply."""
        kind = request["type"]
        if kind == "hello":
            return {"type": kind, "version": 1, "server": "stub", "models": [MODEL], "limits": self._limits}
        if kind == "models":
            return {"type": kind, "models": [MODEL]}
        if kind == "open":
            session = len(self.requests)
            self._sessions[session] = request
            return {"type": kind, "session": session, "model": MODEL, "sha256": MODEL["sha256"]}
        if kind == "evaluate" and "systems" in request:
            return {
                "type": kind,
                "sha256": MODEL["sha256"],
                "results": [evaluate(system["positions"]) for system in request["systems"]],
            }
        if kind == "evaluate":
            if request["session"] not in self._sessions:
                return error("E_SESSION", f"session {request['session']} is not open")
            return {"type": kind, "sha256": MODEL["sha256"], **evaluate(request["positions"])}
        return {"type": kind}


def error(code: str, what: str = "something", **more: Any) -> Message:
    return {"type": "error", "code": code, "what": what, "remedy": "Do something.", **more}


def evaluate(positions: bytes) -> Message:
    """Everything that `want` can name, for the made-up ensemble."""
    r = np.frombuffer(positions, "<f8").reshape(-1, 3)
    k = np.arange(1.0, MODEL["members"] + 1)
    d = r - r.mean(axis=0)
    energies = 0.5 * k[:, None] * (d**2).sum(axis=1)
    forces = -k[:, None, None] * d
    virials = k.mean() * -np.einsum("na,nb->nab", d, d)
    sigma_energy = energies.sum(axis=1).std(ddof=1)
    raw = {
        "energies": energies.mean(axis=0),
        "forces": forces.mean(axis=0),
        "virial": virials.sum(axis=0),
        "virials": virials,
        "sigma_energies": energies.std(axis=0, ddof=1),
        "sigma_forces": np.sqrt(forces.var(axis=0, ddof=1).sum(axis=1)),
        "member_energies": energies.sum(axis=1),
        "member_forces": forces,
    }
    return {
        "natoms": len(r),
        "energy": float(energies.sum(axis=1).mean()),
        "sigma_energy": float(sigma_energy),
        "rho": float(sigma_energy / np.sqrt(len(r))),
        **{name: value.astype("<f8").tobytes() for name, value in raw.items()},
    }
