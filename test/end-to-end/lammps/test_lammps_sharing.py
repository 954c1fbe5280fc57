"""Jobs that share a daemon, daemons that share a job, and who is let in from elsewhere."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from decks import DEFAULT_MODEL, THERMO, Server, finish, header, run, serve, start, water
from mlts_ase.daemon import find_command

NVE = "fix 1 all nve\nvelocity all create 300 1 loop geom\nthermo 5\nrun 30\n"


def deck(endpoint: str, folder: Path, options: str = "", per_side: int = 2, tilt: float = 0.0) -> str:
    water(folder / "water.data", per_side=per_side, tilt=tilt)
    return header(endpoint, f"precision double {options}") + THERMO + NVE


def test_two_jobs_share_one_daemon(tmp_path: Path) -> None:
    with serve(DEFAULT_MODEL) as server:
        alone = [
            run(deck(server.endpoint, tmp_path / f"alone{k}", tilt=0.5 * k), tmp_path / f"alone{k}") for k in range(2)
        ]
        folders = [tmp_path / f"shared{k}" for k in range(2)]
        jobs = [start(deck(server.endpoint, folder, tilt=0.5 * k), folder, 2) for k, folder in enumerate(folders)]
        shared = [finish(job, folder) for job, folder in zip(jobs, folders, strict=True)]
    for one, other in zip(alone, shared, strict=True):
        assert not other.error
        np.testing.assert_allclose(other.thermo[0]["PotEng"], one.thermo[0]["PotEng"], rtol=0, atol=1e-8)
        np.testing.assert_allclose(other.thermo[0]["c_u[1]"], one.thermo[0]["c_u[1]"], rtol=0, atol=2e-6)


def clients_seen(server: Server) -> int:
    """Connections that have asked the server something, by its own count."""
    import msgpack
    import zmq

    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.linger = 0
        socket.connect(server.endpoint)
        socket.send(msgpack.packb({"type": "stats", "id": 1}))
        assert socket.poll(5000)
        return int(msgpack.unpackb(socket.recv())["requests"])


@pytest.mark.parametrize("form", ["list", "%r"])
def test_one_daemon_a_rank(tmp_path: Path, form: str) -> None:
    names = [f"ipc://{tmp_path}/server-{rank}" for rank in range(2)]
    with serve(DEFAULT_MODEL, bind=names[0]) as first, serve(DEFAULT_MODEL, bind=names[1]) as second:
        endpoint = ",".join(names) if form == "list" else f"ipc://{tmp_path}/server-%r"
        single = run(deck(names[0], tmp_path / "1"), tmp_path / "1")
        before = clients_seen(first)
        double = run(deck(endpoint, tmp_path / "2"), tmp_path / "2", 2)
        assert clients_seen(first) - before > 30
        assert clients_seen(second) > 30
    np.testing.assert_allclose(double.thermo[0]["PotEng"], single.thermo[0]["PotEng"], rtol=0, atol=1e-8)


def test_one_daemon_a_node(tmp_path: Path) -> None:
    with serve(DEFAULT_MODEL, bind=f"ipc://{tmp_path}/node-0"):  # both ranks are on node 0
        run(deck(f"ipc://{tmp_path}/node-%n", tmp_path), tmp_path, 2)


def test_ranks_of_two_nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MPICH can take odd and even ranks for those of two nodes: a server each, then one for all."""
    names = [f"ipc://{tmp_path}/node-{node}" for node in range(2)]
    with serve(DEFAULT_MODEL, bind=names[0]) as first, serve(DEFAULT_MODEL, bind=names[1]) as second:
        single = run(deck(names[0], tmp_path / "1"), tmp_path / "1")
        monkeypatch.setenv("MPIR_CVAR_ODD_EVEN_CLIQUES", "1")
        apart = run(deck(f"ipc://{tmp_path}/node-%n", tmp_path / "apart"), tmp_path / "apart", 4)
        assert clients_seen(first) > 60
        assert clients_seen(second) > 60
        together = run(deck(names[0], tmp_path / "together"), tmp_path / "together", 4)
    for many in (apart, together):
        np.testing.assert_allclose(many.thermo[0]["PotEng"], single.thermo[0]["PotEng"], rtol=0, atol=1e-8)


def keys(*words: str | Path) -> str:
    return subprocess.run(
        [*find_command(), "keys", *map(str, words)], check=True, capture_output=True, text=True
    ).stdout.strip()


def test_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLTS_KEYS", str(tmp_path / "keys"))
    public = keys("generate")
    friend, stranger, misled = (tmp_path / f"{name}.json" for name in ("friend", "stranger", "misled"))
    keys("allow", keys("generate", friend, "--server", public))
    keys("generate", stranger, "--server", public)
    other = keys("generate", tmp_path / "other.json")
    content = json.loads(friend.read_text())
    misled.write_text(json.dumps({**content, "server": other}))
    with serve(DEFAULT_MODEL, bind="tcp://0.0.0.0:*") as server:
        endpoint = f"tcp://127.0.0.1:{server.endpoint.rsplit(':', 1)[1]}"
        done = run(deck(endpoint, tmp_path, f"keys {friend}"), tmp_path, 2)
        assert done.thermo[0]["PotEng"][0] < 0
        for options in ("", f"keys {stranger}", f"keys {misled}"):
            done = run(deck(endpoint, tmp_path, f"timeout 2 {options}"), tmp_path, 2, fails=True)
            assert done.error.startswith("E_KEYS: the server at")
    with serve(DEFAULT_MODEL) as server:  # without keys on its side
        done = run(deck(server.endpoint, tmp_path, f"timeout 2 keys {friend}"), tmp_path, fails=True)
        assert done.error.startswith("E_KEYS: the server at")
