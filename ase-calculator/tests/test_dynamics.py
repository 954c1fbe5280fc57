"""Relaxation and molecular dynamics with the embedded model, and the examples that users start from."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import molecule
from ase.filters import FrechetCellFilter
from ase.io import read
from ase.md.langevin import Langevin
from ase.md.verlet import VelocityVerlet
from ase.optimize import BFGS
from live_server import Server
from mlts_ase import MLTS

EXAMPLES = Path(__file__).parents[2] / "examples" / "ase"


@pytest.fixture(scope="module")
def embedded() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def ethanol(embedded: Server) -> Iterator[Atoms]:
    atoms = molecule("CH3CH2OH")
    with MLTS(embedded.endpoint, precision="double") as atoms.calc:
        yield atoms


def set_velocities(atoms: Atoms, temperature: float) -> None:
    spread = np.sqrt(units.kB * temperature / atoms.get_masses())[:, None]
    atoms.set_velocities(np.random.default_rng(1).normal(size=(len(atoms), 3)) * spread)


def test_bfgs_finds_a_minimum(ethanol: Atoms) -> None:
    ethanol.rattle(0.1, seed=1)
    before = ethanol.get_potential_energy()
    assert BFGS(ethanol, logfile=None).run(fmax=0.005, steps=200)
    energy = ethanol.get_potential_energy()
    assert energy < before - 0.1
    rng = np.random.default_rng(2)
    for _ in range(5):
        moved = ethanol.copy()
        moved.positions += rng.normal(0, 0.05, moved.positions.shape)
        assert ethanol.calc.calculate_many([moved])[0]["energy"] > energy


def test_cell_relaxation_follows_the_stress(embedded: Server) -> None:
    atoms = molecule("CH4")
    atoms.set_cell([4.2, 4.3, 4.4])
    atoms.pbc = True
    with MLTS(embedded.endpoint, precision="double") as atoms.calc:
        start = np.abs(atoms.get_stress()).max()
        BFGS(FrechetCellFilter(atoms), logfile=None).run(fmax=0.02, steps=100)
        assert np.abs(atoms.get_stress()).max() < 0.2 * start


def test_verlet_conserves_the_energy(ethanol: Atoms) -> None:
    set_velocities(ethanol, 300)
    dynamics = VelocityVerlet(ethanol, 0.5 * units.fs)
    energies = np.array([ethanol.get_total_energy() for _ in dynamics.irun(300)]) / len(ethanol)
    picoseconds = 0.0005 * np.arange(len(energies))
    assert np.ptp(ethanol.get_velocities()) > 0
    assert energies.std() < 2e-4
    assert abs(np.polyfit(picoseconds, energies, 1)[0]) < 1e-3


def test_verlet_goes_back_where_it_came_from(ethanol: Atoms) -> None:
    set_velocities(ethanol, 300)
    start = ethanol.positions.copy()
    VelocityVerlet(ethanol, 0.5 * units.fs).run(50)
    assert np.abs(ethanol.positions - start).max() > 0.02
    ethanol.set_velocities(-ethanol.get_velocities())
    VelocityVerlet(ethanol, 0.5 * units.fs).run(50)
    np.testing.assert_allclose(ethanol.positions, start, rtol=0, atol=1e-6)


def test_langevin_holds_a_temperature(ethanol: Atoms) -> None:
    set_velocities(ethanol, 300)
    rng = np.random.default_rng(3)
    dynamics = Langevin(ethanol, 0.5 * units.fs, temperature_K=300, friction=0.1 / units.fs, fixcm=False, rng=rng)
    temperatures = [ethanol.get_temperature() for _ in dynamics.irun(300)]
    assert 200 < np.mean(temperatures[50:]) < 400


def run_example(name: str, *arguments: str, cwd: Path) -> str:
    process = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments], cwd=cwd, capture_output=True, text=True, timeout=120
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_example_relax(tmp_path: Path, embedded: Server) -> None:
    for arguments in ((), (embedded.endpoint,)):
        said = run_example("relax.py", *arguments, cwd=tmp_path)
        match = re.search(r"energy\s+(\S+) -> (\S+) eV", said)
        assert match is not None
        assert float(match[2]) < float(match[1])


def test_example_md_until_uncertain(tmp_path: Path, embedded: Server) -> None:
    said = run_example("md_until_uncertain.py", embedded.endpoint, "0.5", cwd=tmp_path)
    assert "5 frames above 0.5 eV/Å" in said
    frames = read(tmp_path / "uncertain.xyz", ":")
    assert all(frame.info["max_sigma_force"] > 0.5 for frame in frames)
