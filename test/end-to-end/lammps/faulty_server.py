"""A server of docs/protocol.md that misbehaves on demand: faults that no healthy `mlts serve` can be made to show.

Its model is a soft pair potential of M members, φ_m(r) = s_m a (1 − (r/r_c)²)³ with a = √(Z_i Z_j) eV, so that every
answer can be recomputed by hand. Run as a script it prints its endpoint and serves until it is killed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from typing import Any

import msgpack
import numpy as np
import zmq

MEMBERS = 4
SCALES = 1 + 0.05 * np.array([-1.5, -0.5, 0.5, 1.5])
CUTOFF = 4.0


def evaluate(numbers: np.ndarray, positions: np.ndarray, owned: int) -> dict[str, Any]:
    """All quantities of one domain; energies of the first `owned` atoms only."""
    n = len(numbers)
    vectors = positions[None, :, :] - positions[:owned, None, :]  # D = r_j − r_i, i owned
    squares = (vectors**2).sum(axis=2)
    near = (squares < CUTOFF**2) & (np.arange(n)[None, :] != np.arange(owned)[:, None])
    strength = np.sqrt(numbers[:owned, None] * numbers[None, :]) * near
    x = np.where(near, 1 - squares / CUTOFF**2, 0.0)
    energies = 0.5 * (strength * x**3).sum(axis=1)  # half a pair to each end
    slope = -0.5 * strength * 3 * x**2 * 2 / CUTOFF**2  # dE_i/dD = slope · D
    gradient = slope[:, :, None] * vectors
    forces = np.zeros((n, 3))
    forces[:owned] += gradient.sum(axis=1)
    forces -= gradient.sum(axis=0)
    virials = -(vectors[:, :, :, None] * gradient[:, :, None, :]).sum(axis=0)
    deviations = (SCALES - 1)[:, None, None] * forces
    padded = np.zeros(n)
    padded[:owned] = energies
    return {
        "energy": float(energies.sum()),
        "forces": forces,
        "virial": virials.sum(axis=0),
        "energies": padded,
        "virials": virials,
        "sigma_energy": float(energies.sum() * SCALES.std(ddof=1)),
        "sigma_energies": padded * SCALES.std(ddof=1),
        "member_energies": SCALES * energies.sum(),
        "force_deviations": deviations.astype(np.float32),
    }


def evaluate_whole(numbers: np.ndarray, positions: np.ndarray, cell: np.ndarray, pbc: list[bool]) -> dict[str, Any]:
    """The same of a whole system: its nearest images are ghosts, whose shares go to the atoms they are images of."""
    steps = itertools.product(*((0, -1, 1) if periodic else (0,) for periodic in pbc))
    images = np.array(list(steps)) @ cell
    n, count = len(numbers), len(images)
    result = evaluate(np.tile(numbers, count), (images[:, None, :] + positions[None, :, :]).reshape(-1, 3), n)
    result["energies"], result["sigma_energies"] = result["energies"][:n], result["sigma_energies"][:n]
    result["forces"] = result["forces"].reshape(count, n, 3).sum(axis=0)
    result["virials"] = result["virials"].reshape(count, n, 3, 3).sum(axis=0)
    deviations = result.pop("force_deviations").astype(float).reshape(MEMBERS, count, n, 3).sum(axis=1)
    result["sigma_forces"] = np.sqrt((deviations**2).sum(axis=(0, 2)) / (MEMBERS - 1))
    return result


BROUGHT = {"sigma": ["sigma_energy", "sigma_energies", "sigma_forces"]}


class Server:
    """Answers one request at a time; `fault` names what goes wrong from evaluation number `after` on."""

    def __init__(self, fault: str, after: int, reach: float, sha256: str) -> None:
        self.fault, self.after = fault, after
        self.model = {
            "name": "soft",
            "sha256": sha256,
            "architecture": "pair",
            "elements": [1, 6, 8],
            "cutoff": CUTOFF,
            "reach": reach,
            "members": MEMBERS,
            "min_distance": 0.1,
        }
        self.sessions: dict[int, dict[str, Any]] = {}
        self.opened = 0
        self.evaluations = 0

    def answer(self, request: dict[str, Any]) -> dict[str, Any] | bytes | None:
        """The reply as a map, as raw bytes, or None for silence."""
        head = {"type": request["type"], "id": request["id"]}
        if request["type"] == "hello":
            models = [self.model] if self.fault != "two-models" else [self.model, {**self.model, "name": "other"}]
            version = 2 if self.fault == "version" else 1
            return {**head, "version": version, "server": "faulty", "models": models}
        if request["type"] == "open":
            if request.get("sha256", self.model["sha256"]) != self.model["sha256"]:
                return error(request, "E_HASH", "the model is another one")
            self.opened += 1  # never a number again: another rank may still hold it
            session = self.opened
            self.sessions[session] = {key: request.get(key) for key in ("numbers", "want", "pbc", "domain", "cell")}
            return {**head, "session": session, "model": self.model, "sha256": self.model["sha256"]}
        if request["type"] == "evaluate":
            return self.step(head, request)
        return head

    def step(self, head: dict[str, Any], request: dict[str, Any]) -> dict[str, Any] | bytes | None:
        self.evaluations += 1
        faulty = self.evaluations > self.after
        if faulty and self.fault == "busy-once":
            self.after = self.evaluations + 3
            return error(request, "E_BUSY", "the queue is full")
        if faulty and self.fault == "busy":
            return error(request, "E_BUSY", "the queue is full")
        if faulty and self.fault == "forget":
            self.after = self.evaluations + 5
            self.sessions.clear()
        if faulty and self.fault == "overlap":
            return {**error(request, "E_OVERLAP", "atoms 1 and 2 are 0.05 Å apart, the least is 0.1 Å"), "atom": 1}
        if faulty and self.fault == "silent":
            return None
        if faulty and self.fault == "garbage":
            return b"\xc1\x00garbage"
        session = self.sessions.get(request["session"])
        if session is None:
            return error(request, "E_SESSION", "no such session")
        session["numbers"] = request.get("numbers", session["numbers"])
        session["cell"] = request.get("cell", session["cell"])
        numbers = np.frombuffer(session["numbers"], "<i4")
        positions = np.frombuffer(request["positions"], "<f8").reshape(-1, 3)
        if len(positions) != len(numbers):
            return error(request, "E_SHAPE", f"{len(positions)} positions for {len(numbers)} numbers")
        want = request.get("want", session["want"])
        if session["domain"]:
            result = evaluate(numbers, positions, request["owned"])
        else:
            cell = np.frombuffer(session["cell"], "<f8").reshape(3, 3)
            result = evaluate_whole(numbers, positions, cell, session["pbc"])
        reply = {**head, "session": request["session"], "natoms": len(numbers), "energy": result["energy"]}
        reply["sha256"] = "f" * 64 if faulty and self.fault == "hash" else self.model["sha256"]
        if faulty and self.fault == "nan":
            result["forces"][0, 0] = np.nan
        if faulty and self.fault == "short":
            result["forces"] = result["forces"][:-1]
        if faulty and self.fault == "missing":
            want = []
        for name in want:
            for field in BROUGHT.get(name, [name]):
                if field in result:  # domains have no σ of forces
                    value = result[field]
                    reply[field] = value if isinstance(value, float) else np.ascontiguousarray(value).tobytes()
        if faulty and self.fault == "late":
            time.sleep(0.2)
        return reply


def error(request: dict[str, Any], code: str, what: str) -> dict[str, Any]:
    return {"type": "error", "id": request["id"], "code": code, "what": what, "remedy": "See the test."}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--fault", default="none")
    parser.add_argument("--after", type=int, default=0)
    parser.add_argument("--reach", type=float, default=CUTOFF)
    parser.add_argument("--sha256", default="0123456789abcdef" * 4)
    parser.add_argument("--bind", default="tcp://127.0.0.1:*")
    options = parser.parse_args()
    server = Server(options.fault, options.after, options.reach, options.sha256)
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.ROUTER)
    socket.bind(options.bind)
    print(json.dumps({"ready": True, "endpoints": [socket.getsockopt_string(zmq.LAST_ENDPOINT)]}), flush=True)
    while True:
        identity, frame = socket.recv_multipart()
        reply = server.answer(msgpack.unpackb(frame))
        if reply is not None:
            socket.send_multipart([identity, reply if isinstance(reply, bytes) else msgpack.packb(reply)])


if __name__ == "__main__":
    main()
