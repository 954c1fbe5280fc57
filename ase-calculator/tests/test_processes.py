"""Calculators among threads, copies and processes, and servers that die, hang or come back."""

import copy
import multiprocessing
import os
import pickle
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from live_server import Server
from mlts_ase import MLTS, MltsError


def water(seed: int = 0) -> Atoms:
    atoms = molecule("H2O")
    atoms.rattle(0.05, seed=seed)
    return atoms


def energy_of(atoms: Atoms) -> float:
    return float(atoms.get_potential_energy())


def expected(server: Server, seeds: range) -> list[float]:
    with MLTS(server.endpoint, precision="double") as calc:
        return [results["energy"] for results in calc.calculate_many([water(seed) for seed in seeds])]


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)


def walk_for_ever(atoms: Atoms) -> None:
    while True:
        atoms.rattle(1e-3, rng=np.random)
        assert np.isfinite(atoms.get_forces()).all()


def test_threads_share_one_calculator(server: Server) -> None:
    seeds = range(24)
    with MLTS(server.endpoint, precision="double") as calc, ThreadPoolExecutor(6) as pool:
        got = list(pool.map(lambda seed: calc.get_property("energy", water(seed)), seeds))
    np.testing.assert_allclose(got, expected(server, seeds), rtol=0, atol=1e-9)


def test_threads_with_a_copy_each(server: Server) -> None:
    seeds = range(12)
    with MLTS(server.endpoint, precision="double") as calc:

        def evaluate(seed: int) -> float:
            atoms = water(seed)
            with copy.deepcopy(calc) as atoms.calc:
                return energy_of(atoms)

        with ThreadPoolExecutor(6) as pool:
            got = list(pool.map(evaluate, seeds))
    np.testing.assert_allclose(got, expected(server, seeds), rtol=0, atol=1e-9)


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_processes_reconnect(server: Server, method: str) -> None:
    seeds = range(6)
    images = [water(seed) for seed in seeds]
    with MLTS(server.endpoint, precision="double") as calc:
        calc.get_property("energy", images[0])
        for atoms in images:
            atoms.calc = calc
        with multiprocessing.get_context(method).Pool(2) as pool:
            got = pool.map_async(energy_of, images).get(timeout=60)
        assert calc.get_property("energy", images[1]) == pytest.approx(got[1], abs=1e-9)
    np.testing.assert_allclose(got, expected(server, seeds), rtol=0, atol=1e-9)


def test_a_fork_leaves_the_parents_connection_alone(server: Server) -> None:
    parent = water(1)
    with MLTS(server.endpoint, precision="double") as parent.calc:
        before = energy_of(parent)
        pid = os.fork()
        if pid == 0:
            try:
                parent.rattle(0.05, seed=2)
                os._exit(0 if abs(energy_of(parent) - before) > 1e-6 else 1)
            except BaseException:
                os._exit(2)
        parent.rattle(0.01, seed=3)
        during = energy_of(parent)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        parent.positions = water(1).positions
        assert energy_of(parent) == pytest.approx(before, abs=1e-9)
        assert during != before


def test_copies_keep_parameters_and_results(server: Server) -> None:
    atoms = water()
    with MLTS(server.endpoint, precision="double", timeout=7) as atoms.calc:
        forces = atoms.get_forces()
        for clone in (copy.deepcopy(atoms.calc), copy.copy(atoms.calc), pickle.loads(pickle.dumps(atoms.calc))):
            assert clone.parameters == atoms.calc.parameters
            np.testing.assert_array_equal(clone.results["forces"], forces)
            with clone:
                assert clone.get_property("energy", water(1)) != atoms.calc.results["energy"]
        np.testing.assert_array_equal(atoms.calc.results["forces"], forces)


def test_results_are_not_overwritten_by_the_next_step(server: Server) -> None:
    atoms = water()
    with MLTS(server.endpoint) as atoms.calc:
        atoms.get_forces()
        first = atoms.calc.results
        kept = first["forces"].copy()
        atoms.rattle(0.1, seed=4)
        atoms.get_forces()
        np.testing.assert_array_equal(first["forces"], kept)


def test_only_what_changes_the_energy_costs_a_request(server: Server) -> None:
    atoms = water()
    with MLTS(server.endpoint) as atoms.calc:
        atoms.get_forces()
        results = atoms.calc.results
        atoms.get_potential_energy()
        atoms.set_initial_charges([1, 0, 0])
        atoms.set_tags([1, 2, 3])
        atoms.get_forces()
        assert atoms.calc.results is results


def test_one_session_follows_changing_species_and_cells(server: Server) -> None:
    box = water(1)
    box.set_cell([6, 6, 6])
    box.pbc = True
    larger = box.copy()
    larger.set_cell([7, 6, 6])
    with MLTS(server.endpoint, precision="double") as calc:
        for atoms in (water(), molecule("CH4"), water(), box, larger, box, water(), molecule("HCN")):
            with MLTS(server.endpoint, precision="double") as fresh:
                assert calc.get_property("energy", atoms) == pytest.approx(
                    fresh.get_property("energy", atoms), abs=1e-9
                )


def test_a_closed_calculator_keeps_results_and_refuses_work(server: Server) -> None:
    atoms = water()
    with MLTS(server.endpoint) as atoms.calc:
        energy = energy_of(atoms)
    assert energy_of(atoms) == energy
    atoms.rattle(0.1)
    with pytest.raises(MltsError, match=r"^E_USAGE: this calculator is closed"):
        atoms.get_forces()


@pytest.mark.parametrize(
    "wrong",
    [{"precision": "half"}, {"timeout": 0}, {"timeout": None}, {"timeout": float("inf")}, {"colour": "red"}],
    ids=str,
)
def test_wrong_parameters_are_refused(server: Server, wrong: dict[str, object]) -> None:
    with MLTS(server.endpoint) as calc, pytest.raises(MltsError, match=r"^E_USAGE: "):
        calc.set(**wrong)


def test_an_unknown_model_is_named(server: Server) -> None:
    with MLTS(server.endpoint, model="no-such-model") as calc, pytest.raises(MltsError) as caught:
        calc.get_property("energy", water())
    assert caught.value.code == "E_MODEL_NOT_FOUND"
    assert "no-such-model" in caught.value.what


def test_a_server_killed_at_any_moment_is_an_error_in_time(start: Callable[..., Server]) -> None:
    rng = random.Random(5)
    for _ in range(20):
        server = start()
        atoms = water()
        with MLTS(server.endpoint, timeout=30) as atoms.calc:
            energy_of(atoms)
            killer = threading.Timer(rng.uniform(0, 0.05), server.kill)
            killer.start()
            started = time.monotonic()
            with pytest.raises(MltsError) as caught:
                walk_for_ever(atoms)
            assert time.monotonic() - started < 8
            assert caught.value.code == "E_CONNECT"
            assert server.endpoint in caught.value.what
            killer.join()


def test_a_server_that_comes_back_is_found_again(start: Callable[..., Server], tmp_path: Path) -> None:
    bind = f"ipc://{tmp_path}/server"
    server = start(bind=bind)
    atoms = water()
    with MLTS(bind, precision="double") as atoms.calc:
        energy = energy_of(atoms)
        server.kill()
        start(bind=bind)
        atoms.rattle(0.1)
        energy_of(atoms)
        atoms.positions = water().positions
        assert energy_of(atoms) == pytest.approx(energy, abs=1e-9)


def test_a_hanging_server_is_a_timeout(start: Callable[..., Server]) -> None:
    server = start()
    atoms = water()
    with MLTS(server.endpoint, timeout=0.5) as atoms.calc:
        energy = energy_of(atoms)
        server.pause()
        atoms.rattle(0.1, seed=6)
        started = time.monotonic()
        with pytest.raises(MltsError, match=r"^E_TIMEOUT: "):
            atoms.get_forces()
        assert time.monotonic() - started < 2
        server.resume()
        atoms.positions = water().positions
        assert energy_of(atoms) == pytest.approx(energy, abs=1e-3)


# Private servers


def private_pid(calc: MLTS) -> int:
    calc.get_property("energy", water())
    return calc._private.pid  # type: ignore[union-attr]


def test_a_private_server_lives_as_long_as_its_calculator(model: Path) -> None:
    with MLTS(model=model) as calc:
        pid = private_pid(calc)
        assert alive(pid)
        assert calc.model["name"] == "synthetic"
    assert not alive(pid)


def test_a_forgotten_calculator_stops_its_server(model: Path) -> None:
    calc = MLTS(model=model)
    pid = private_pid(calc)
    del calc
    wait_until(lambda: not alive(pid), 5)


def test_copies_share_the_private_server(model: Path) -> None:
    calc = MLTS(model=model)
    pid = private_pid(calc)
    clone = copy.deepcopy(calc)
    calc.close()
    assert private_pid(clone) == pid
    clone.close()
    assert not alive(pid)


def test_spawned_processes_use_the_parents_private_server(model: Path) -> None:
    images = [water(seed) for seed in range(4)]
    with MLTS(model=model, precision="double") as calc:
        private_pid(calc)
        for atoms in images:
            atoms.calc = calc
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            got = pool.map_async(energy_of, images).get(timeout=60)
        want = [results["energy"] for results in calc.calculate_many(images)]
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-9)


def test_a_pickle_outlives_its_private_server(model: Path) -> None:
    with MLTS(model=model, precision="double") as calc:
        energy = calc.get_property("energy", water())
        stored = pickle.dumps(calc)
    with pickle.loads(stored) as later:
        assert later.get_property("energy", water(1)) != energy
        assert later.get_property("energy", water()) == pytest.approx(energy, abs=1e-9)


def test_a_private_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mlts"
    broken.write_bytes(b"no model at all")
    started = time.monotonic()
    with MLTS(model=broken) as calc, pytest.raises(MltsError) as caught:
        calc.get_property("energy", water())
    assert caught.value.code == "E_MODEL"
    assert "broken.mlts" in caught.value.what
    assert time.monotonic() - started < 10


def test_a_missing_command_says_how_to_get_it(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLTS_COMMAND", "/no/such/mlts")
    with MLTS(model=model) as calc, pytest.raises(MltsError, match=r"^E_UNAVAILABLE: .*/no/such/mlts"):
        calc.get_property("energy", water())


def test_a_killed_private_server_is_an_error_in_time(model: Path) -> None:
    with MLTS(model=model) as calc:
        os.kill(private_pid(calc), signal.SIGKILL)
        started = time.monotonic()
        with pytest.raises(MltsError, match=r"^E_CONNECT: "):
            calc.get_property("energy", water(1))
        assert time.monotonic() - started < 8


SCRIPT = """
    import os, signal, sys, time
    from ase.build import molecule
    from mlts_ase import MLTS
    atoms = molecule("H2O")
    atoms.calc = MLTS(model=sys.argv[1])
    atoms.get_forces()
    print(atoms.calc._private.pid, flush=True)
    {end}
"""


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("", 0),
        ("raise SystemExit(3)", 3),
        ("1 / 0", 1),
        ("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("os._exit(4)", 4),
        ("if os.fork() == 0: time.sleep(8)\nos.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
    ],
    ids=["end", "exit", "exception", "SIGTERM", "SIGKILL", "_exit", "SIGKILL with a forked child alive"],
)
def test_no_end_of_the_process_leaves_a_server_behind(model: Path, end: str, code: int) -> None:
    script = textwrap.dedent(SCRIPT).format(end=textwrap.dedent(end))
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(model)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    assert process.wait(timeout=30) == code
    process.stdout.close()
    wait_until(lambda: not alive(pid), 5)
