"""Servers that lie, stall, vanish and come back: LAMMPS stops on every rank in time, or goes on and is right."""

from __future__ import annotations

import resource
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from decks import DEFAULT_MODEL, WAYS, Run, domains, faulty, finish, header, run, serve, start, water

NVE = "fix 1 all nve\nvelocity all create 300 1 loop geom\nthermo 1\nrun {steps}\n"
TIMEOUT = 1.5  # s, in decks
MARGIN = 8.0  # s, for LAMMPS to start and end on a busy machine


def deck(endpoint: str, folder: Path, *, steps: int = 5, options: str = f"timeout {TIMEOUT}", per_side: int = 2) -> str:
    water(folder / "water.data", per_side=per_side)
    return header(endpoint, f"precision double {options}") + NVE.replace("{steps}", str(steps))


LIES = {
    "nan": "E_NONFINITE: the server's 'forces' holds a value that is not finite",
    "hash": "E_HASH: model 'soft' at {endpoint} was 0123456789ab and is now ffffffffffff",
    "short": "E_PROTOCOL: the server's reply is not of this protocol: 'forces' has",
    "missing": "E_PROTOCOL: the server's reply is not of this protocol: no 'forces'",
    "garbage": "E_PROTOCOL: the server's reply is not of this protocol: not one MessagePack map",
    "overlap": "is LAMMPS atom",
    "silent": f"E_TIMEOUT: the server at {{endpoint}} did not answer 'evaluate' within {TIMEOUT:g} s",
    "busy": "E_BUSY: the queue is full",
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fault", LIES)
def test_lies_stop_the_run(tmp_path: Path, fault: str, way: str) -> None:
    ranks, form = WAYS[way]
    with faulty(fault, after=5) as server:
        done = run(deck(form(server.endpoint), tmp_path, steps=50), tmp_path, ranks, fails=True)
        assert LIES[fault].replace("{endpoint}", server.endpoint) in done.error.replace("localhost", "127.0.0.1")
    assert done.seconds < TIMEOUT + MARGIN
    assert len(done.thermo[0]["Step"]) <= 6


def test_a_newer_protocol_is_refused(tmp_path: Path) -> None:
    with faulty("version") as server:
        done = run(deck(server.endpoint, tmp_path), tmp_path, 2, fails=True)
    assert "speaks protocol version 2, this plug-in version 1" in done.error


@pytest.mark.parametrize("form", [str, domains])
@pytest.mark.parametrize("fault", ["busy-once", "forget"])
def test_what_passes_is_waited_for(tmp_path: Path, fault: str, form: Callable[[str], str]) -> None:
    runs = []
    for name in ("none", fault):
        with faulty(name, after=4) as server:
            runs.append(run(deck(form(server.endpoint), tmp_path, steps=20), tmp_path, 2))
    np.testing.assert_allclose(runs[1].thermo[0]["TotEng"], runs[0].thermo[0]["TotEng"], rtol=0, atol=1e-9)


def test_one_bad_rank_stops_all(tmp_path: Path) -> None:
    with faulty() as good, faulty("nan", after=3) as bad:
        done = run(deck(f"{good.endpoint},{bad.endpoint}", tmp_path, steps=50), tmp_path, 2, fails=True)
    assert "E_NONFINITE" in done.error
    assert done.error.endswith("(rank 1)")


def test_servers_with_different_models_are_refused(tmp_path: Path) -> None:
    with faulty() as one, faulty(sha256="e" * 64) as other:
        done = run(deck(f"{one.endpoint},{other.endpoint}", tmp_path), tmp_path, 2, fails=True)
    assert f"E_HASH: model 'soft' at {other.endpoint} is not that of rank 0's server" in done.error


def test_a_server_that_hangs(tmp_path: Path) -> None:
    with serve(DEFAULT_MODEL) as server:
        process = start(deck(server.endpoint, tmp_path, steps=100000), tmp_path, 2)
        time.sleep(2.5)
        server.process.send_signal(signal.SIGSTOP)
        begin = time.monotonic()
        done = finish(process, tmp_path, TIMEOUT + MARGIN)
        server.process.send_signal(signal.SIGCONT)
    assert f"E_TIMEOUT: the server at {server.endpoint} did not answer 'evaluate' within {TIMEOUT:g} s" in done.error
    assert TIMEOUT - 0.3 < time.monotonic() - begin < TIMEOUT + MARGIN


@pytest.mark.parametrize("form", [str, domains])
def test_waiting_ranks_sleep(tmp_path: Path, form: Callable[[str], str]) -> None:
    with faulty("late") as server:  # 0.2 s an evaluation, domains one after the other
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = run(deck(form(server.endpoint), tmp_path, steps=20, options=""), tmp_path, 2)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert done.seconds > (4 if form is str else 8)
    assert used < 0.3 * done.seconds  # two spinning ranks would use twice the time that passes


# ---- kill -9 at random moments ----


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """What an undisturbed run says."""
    folder = tmp_path_factory.mktemp("truth")
    with serve(DEFAULT_MODEL) as server:
        yield run(deck(server.endpoint, folder, steps=400), folder, 1)


def assert_true(done: Run, truth: Run) -> None:
    """All that was said before the end is what an undisturbed run says."""
    if not done.thermo:
        return
    right = truth.thermo[0]["TotEng"]
    said = done.thermo[0]["TotEng"][: len(right)]
    np.testing.assert_allclose(said, right[: len(said)], rtol=0, atol=1e-5)


@pytest.mark.parametrize("attempt", range(20))
def test_server_killed(tmp_path: Path, truth: Run, attempt: int) -> None:
    ranks, form = list(WAYS.values())[attempt % len(WAYS)]
    delay = np.random.default_rng(attempt).uniform(0.2, 2.0)
    server = serve(DEFAULT_MODEL)
    process = start(deck(form(server.endpoint), tmp_path, steps=400000), tmp_path, ranks)
    time.sleep(delay)
    server.kill()
    begin = time.monotonic()
    done = finish(process, tmp_path, TIMEOUT + MARGIN)
    assert done.returncode != 0
    assert "E_CONNECT: " in done.error
    assert server.endpoint in done.error.replace("localhost", "127.0.0.1")
    assert time.monotonic() - begin < TIMEOUT + MARGIN
    assert_true(done, truth)


def wait_for_step(folder: Path, step: int) -> None:
    """Returns when the log, which is flushed at each step, has come so far."""
    log = folder / "log.lammps"
    for _ in range(600):
        rows = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
        if any(len(row) == 6 and row[0].isdigit() and int(row[0]) >= step for row in rows):
            return
        time.sleep(0.05)
    raise AssertionError(f"step {step} did not come within 30 s")


@pytest.mark.parametrize("attempt", range(4))
def test_server_killed_and_started_again(tmp_path: Path, truth: Run, attempt: int) -> None:
    endpoint = f"ipc://{tmp_path}/socket"
    form = (str, domains)[attempt % 2]
    random = np.random.default_rng(attempt)
    server = serve(DEFAULT_MODEL, bind=endpoint)
    script = deck(form(endpoint), tmp_path, steps=400, options="timeout 30").replace(
        "run 400", "thermo_modify flush yes\nrun 400"
    )
    process = start(script, tmp_path, 2)
    for step in (10, 60, 150):
        wait_for_step(tmp_path, step)
        time.sleep(random.uniform(0.0, 0.05))
        server.kill()
        server = serve(DEFAULT_MODEL, bind=endpoint)
    done = finish(process, tmp_path, 60)
    server.stop()
    assert not done.error, done.error
    assert "went away and came back with the same model; the run continues" in done.output
    assert len(done.thermo[0]["Step"]) == 401
    assert_true(done, truth)


def test_server_replaced_by_one_with_another_model(tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path}/socket"
    first = faulty(bind=endpoint)
    process = start(deck(endpoint, tmp_path, steps=1000000, options="timeout 20"), tmp_path, 2)
    time.sleep(2)
    first.kill()
    with faulty(bind=endpoint, sha256="e" * 64):
        done = finish(process, tmp_path, 20 + MARGIN)
    assert "E_HASH" in done.error


def test_lammps_killed(tmp_path: Path, truth: Run) -> None:
    with serve(DEFAULT_MODEL) as server:
        for attempt in range(20):
            folder = tmp_path / str(attempt)
            ranks, form = list(WAYS.values())[attempt % len(WAYS)]
            process = start(deck(form(server.endpoint), folder, steps=400000), folder, ranks)
            time.sleep(np.random.default_rng(attempt).uniform(0.1, 1.2))
            process.kill()
            process.communicate()
        done = run(deck(server.endpoint, tmp_path, steps=50), tmp_path, 2)
    assert_true(done, truth)
