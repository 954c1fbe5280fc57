"""What every property is: derivatives, symmetries, definitions of the spreads; in double precision."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.calculators.calculator import PropertyNotImplementedError
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from ase.io import read, write
from live_server import Server
from mlts_ase import MLTS, MltsError
from mlts_ase.daemon import find_command

TRICLINIC = [[5.2, 0, 0], [0.8, 5.5, 0], [-0.6, 0.9, 5.9]]
PER_ATOM = ("forces", "energies", "sigma_forces", "sigma_energies")


@pytest.fixture
def calc(server: Server) -> Iterator[MLTS]:
    with MLTS(server.endpoint, precision="double") as calculator:
        yield calculator


def ethanol() -> Atoms:
    atoms = molecule("CH3CH2OH")
    atoms.rattle(0.05, seed=1)
    return atoms


def crystal(pbc: bool | list[bool] = True) -> Atoms:
    """Two molecules in a triclinic cell that is shorter than twice the cut-off."""
    atoms = molecule("H2O")
    atoms += molecule("CH3CONH2")
    atoms.positions[3:] += [2.8, 2.6, 2.9]
    atoms.set_cell(TRICLINIC)
    atoms.pbc = pbc
    atoms.rattle(0.03, seed=2)
    return atoms


STRUCTURES: dict[str, Callable[[], Atoms]] = {
    "molecule": ethanol,
    "crystal": crystal,
    "slab": lambda: crystal([True, True, False]),
}


@pytest.fixture(params=STRUCTURES, ids=str)
def atoms(request: pytest.FixtureRequest, calc: MLTS) -> Atoms:
    made = STRUCTURES[request.param]()
    made.calc = calc
    return made


def close(got: object, want: object, tolerance: float) -> None:
    np.testing.assert_allclose(np.asarray(got), np.asarray(want), rtol=0, atol=tolerance)


def test_forces_are_minus_the_gradient(atoms: Atoms) -> None:
    forces = atoms.get_forces()
    assert np.abs(forces).max() > 0.1
    close(calculate_numerical_forces(atoms, eps=1e-4), forces, 2e-6)


@pytest.mark.parametrize("pbc", [True, [True, True, False]], ids=str)
def test_stress_is_the_strain_derivative(calc: MLTS, pbc: bool | list[bool]) -> None:
    atoms = crystal(pbc)
    atoms.calc = calc
    stress = atoms.get_stress()
    assert np.abs(stress).max() > 1e-3
    close(calculate_numerical_stress(atoms, eps=1e-5), stress, 1e-8)


def test_stresses_sum_to_the_stress(calc: MLTS) -> None:
    atoms = crystal()
    atoms.calc = calc
    assert atoms.get_stresses().shape == (len(atoms), 6)
    close(atoms.get_stresses().sum(axis=0), atoms.get_stress(), 1e-12)


def test_stress_needs_a_cell(calc: MLTS) -> None:
    atoms = ethanol()
    atoms.calc = calc
    for name in ("stress", "stresses"):
        with pytest.raises(PropertyNotImplementedError):
            calc.get_property(name, atoms)
    assert np.isfinite(atoms.get_potential_energy())


def test_net_force_is_zero(atoms: Atoms) -> None:
    close(atoms.get_forces().sum(axis=0), np.zeros(3), 1e-10)


def test_energies_sum_to_the_energy(atoms: Atoms) -> None:
    energy = atoms.get_potential_energy()
    close(atoms.get_potential_energies().sum(), energy, 1e-9)
    assert atoms.get_potential_energy(force_consistent=True) == energy
    assert atoms.calc.results["free_energy"] == energy


def test_translation_changes_nothing(atoms: Atoms) -> None:
    energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    atoms.translate([11.3, -7.1, 4.9])
    close(atoms.get_potential_energy(), energy, 1e-8)
    close(atoms.get_forces(), forces, 1e-8)


def test_rotation_turns_the_forces(atoms: Atoms) -> None:
    energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    axes = Atoms("H3", positions=np.eye(3))
    axes.rotate(37, [1, 2, 3])
    atoms.rotate(37, [1, 2, 3], rotate_cell=True)
    close(atoms.get_potential_energy(), energy, 1e-8)
    close(atoms.get_forces(), forces @ axes.positions, 1e-8)


def test_permutation_permutes_the_results(atoms: Atoms, calc: MLTS) -> None:
    calc.calculate(atoms)
    before = calc.results
    order = np.random.default_rng(3).permutation(len(atoms))
    calc.calculate(atoms[order])
    close(calc.results["energy"], before["energy"], 1e-8)
    for name in PER_ATOM:
        close(calc.results[name], before[name][order], 1e-8)


def test_wrapping_changes_nothing(calc: MLTS) -> None:
    atoms = crystal()
    atoms.calc = calc
    energy = atoms.get_potential_energy()
    atoms.positions += np.array([[2, -1, 3]]) @ np.array(TRICLINIC)
    atoms.positions[0] += 5 * np.array(TRICLINIC[1])
    close(atoms.get_potential_energy(), energy, 1e-8)


def test_an_open_direction_needs_no_cell_vector(calc: MLTS) -> None:
    slab = crystal([True, True, False])
    flat = slab.copy()
    flat.cell[2] = 0
    slab.calc = flat.calc = calc
    close(flat.get_forces(), slab.get_forces(), 1e-10)
    with pytest.raises(PropertyNotImplementedError):
        flat.get_stress()


def test_an_open_direction_is_as_a_wide_vacuum(calc: MLTS) -> None:
    slab, wide = crystal([True, True, False]), crystal(True)
    wide.cell[2] *= 5
    slab.calc = wide.calc = calc
    close(slab.get_potential_energy(), wide.get_potential_energy(), 1e-8)
    close(slab.get_forces(), wide.get_forces(), 1e-8)


def test_spreads_are_sample_standard_deviations(atoms: Atoms, calc: MLTS) -> None:
    n = len(atoms)
    members = calc.get_property("forces_comm", atoms)
    r = calc.results
    assert members.shape == (3, n, 3)
    assert r["energy_comm"].shape == (3,)
    assert r["sigma_energy"] > 1e-3
    close(members.mean(axis=0), r["forces"], 1e-10)
    close(r["energy_comm"].mean(), r["energy"], 1e-9)
    close(r["sigma_energy"], r["energy_comm"].std(ddof=1), 1e-9)
    close(r["energy_var"], r["energy_comm"].var(ddof=1), 1e-9)
    close(r["rho"], r["sigma_energy"] / np.sqrt(n), 1e-12)
    close(r["forces_var"], members.var(axis=0, ddof=1), 1e-12)
    close(r["sigma_forces"], np.sqrt(r["forces_var"].sum(axis=1)), 1e-9)
    close(r["max_sigma_force"], r["sigma_forces"].max(), 0)
    assert r["sigma_energies"].shape == (n,)


def test_every_property_is_listed_and_filled(calc: MLTS) -> None:
    atoms = crystal()
    for name in calc.implemented_properties:
        assert np.isfinite(calc.get_property(name, atoms)).all()
    calc.calculate(atoms, calc.implemented_properties)
    assert set(calc.results) == set(calc.implemented_properties)


def test_members_are_there_at_each_step_when_asked_for(server: Server) -> None:
    atoms = ethanol()
    with MLTS(server.endpoint, members=True) as atoms.calc:
        atoms.get_potential_energy()
        assert {"forces_comm", "forces_var"} <= set(atoms.calc.results)


def test_ase_can_export_and_freeze_the_results(calc: MLTS, tmp_path: Path) -> None:
    atoms = crystal()
    atoms.calc = calc
    atoms.get_stress()
    assert set(calc.export_properties()) >= {"energy", "energies", "forces", "stress", "free_energy"}
    write(tmp_path / "frame.traj", atoms)
    write(tmp_path / "frame.xyz", atoms)


@pytest.mark.parametrize("precision", ["single", "double"])
def test_agrees_with_mlts_eval(server: Server, model: Path, tmp_path: Path, precision: str) -> None:
    """The same numbers from another door, to double precision; single only rounds on the way."""
    write(tmp_path / "images.xyz", [ethanol(), crystal(), crystal([True, True, False])])
    images = read(tmp_path / "images.xyz", ":")
    command = [*find_command(), "eval", str(tmp_path / "images.xyz"), "--model", str(model), "--json", "--members"]
    text = subprocess.run([*command, "--precision", precision], capture_output=True, text=True, check=True).stdout
    lines = [json.loads(line) for line in text.splitlines()]
    assert len(lines) == len(images)
    tolerance = 1e-10 if precision == "double" else 1e-4
    with MLTS(server.endpoint, precision=precision) as calc:
        for line, results in zip(lines, calc.calculate_many(images, ["forces_comm"]), strict=True):
            for key in ("energy", "sigma_energy", "rho", "forces", "sigma_forces", "max_sigma_force", "energies"):
                close(line[key], results[key], tolerance)
            close(line["member_energies"], results["energy_comm"], tolerance)
            close(line["member_forces"], results["forces_comm"], tolerance)
            if "stress" in results:
                close(line["stress"], results["stress"], tolerance)
            else:
                assert "stress" not in line
            assert line["sha256"] == calc.model["sha256"]


def test_many_at_once_are_as_one_by_one(calc: MLTS) -> None:
    images = [ethanol(), crystal(), crystal([True, True, False]), molecule("NH3")] * 3
    for atoms, results in zip(images, calc.calculate_many(images, ["stresses", "forces_comm"]), strict=True):
        calc.calculate(atoms, ["stresses", "forces_comm"])
        assert set(results) == set(calc.results)
        for name, value in results.items():
            close(value, calc.results[name], 1e-9)
    assert calc.calculate_many([]) == []


BAD: dict[str, Callable[[], Atoms]] = {
    "E_SPECIES": lambda: Atoms("OHBr", positions=np.eye(3)),
    "E_NONFINITE": lambda: Atoms("OHH", positions=[[0, 0, 0], [1, 0, 0], [0, float("nan"), 0]]),
    "E_OVERLAP": lambda: Atoms("OHH", positions=[[0, 0, 0], [1, 0, 0], [1, 0, 0.01]]),
    "E_CELL": lambda: Atoms("OHH", positions=np.eye(3), cell=[[5, 0, 0], [5, 0, 0], [0, 0, 5]], pbc=True),
    "E_EMPTY": lambda: Atoms(),
}
BAD_CELLS = {
    "zero": np.zeros((3, 3)),
    "one zero vector": np.diag([5.0, 0, 5]),
    "left-handed": np.array([[0, 5.0, 0], [5, 0, 0], [0, 0, 5]]),
    "not finite": np.diag([5.0, np.inf, 5]),
}


@pytest.mark.parametrize("code", BAD)
def test_bad_input_is_a_typed_error_and_harms_nothing_else(calc: MLTS, code: str) -> None:
    good, bad = ethanol(), BAD[code]()
    good.calc = calc
    energy = good.get_potential_energy()
    with pytest.raises(MltsError) as caught:
        calc.get_property("energy", bad)
    assert caught.value.code == code
    assert caught.value.what
    assert caught.value.remedy
    if code == "E_SPECIES":
        assert caught.value.atom == 2
        assert "Br" in caught.value.what
    if code == "E_NONFINITE":
        assert caught.value.atom == 2
    assert calc.get_property("energy", good) == energy


@pytest.mark.parametrize("name", BAD_CELLS)
def test_a_bad_cell_is_a_typed_error(calc: MLTS, name: str) -> None:
    atoms = Atoms("OHH", positions=np.eye(3), pbc=True)
    atoms.cell[:] = BAD_CELLS[name]
    with pytest.raises(MltsError) as caught:
        calc.get_property("energy", atoms)
    assert caught.value.code == ("E_NONFINITE" if name == "not finite" else "E_CELL")


def test_one_bad_structure_fails_alone(calc: MLTS) -> None:
    images = [ethanol(), *(make() for code, make in BAD.items()), ethanol()]
    outcomes = calc.calculate_many(images, return_errors=True)
    assert [outcome.code for outcome in outcomes if isinstance(outcome, MltsError)] == list(BAD)
    first, last = outcomes[0], outcomes[-1]
    assert isinstance(first, dict)
    assert isinstance(last, dict)
    close(first["forces"], last["forces"], 1e-12)
    with pytest.raises(MltsError, match="structure 1: ") as caught:
        calc.calculate_many(images)
    assert caught.value.code == "E_SPECIES"
    assert caught.value.atom == 2
