"""Potentials of LAMMPS as labels: slopes, shapes of cells, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import CalculatorSetupError
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from mlts_ase.lammps_potential import LammpsPotential

EAM = ["pair_style eam/alloy", "pair_coeff * * Al_zhou.eam.alloy Al"]
LENNARD_JONES = [
    "pair_style lj/smooth 6.0 8.0",
    "pair_coeff 1 1 0.02 2.6",
    "pair_coeff 1 2 0.03 2.4",
    "pair_coeff 2 2 0.01 2.2",
]


@pytest.fixture(scope="module")
def aluminium() -> LammpsPotential:
    return LammpsPotential(EAM, ["Al"])


def crooked(repeat: tuple[int, int, int] = (2, 2, 1)) -> Atoms:
    atoms = bulk("Al", "fcc", a=4.1, cubic=True).repeat(repeat)
    rng = np.random.default_rng(3)
    strain = np.eye(3) + 0.08 * rng.normal(size=(3, 3))
    atoms.set_cell(atoms.cell @ strain, scale_atoms=True)
    atoms.rattle(0.15, rng=rng)
    return atoms


@pytest.mark.parametrize("periodic", [True, False])
def test_forces_are_the_slopes_of_the_energy(aluminium: LammpsPotential, periodic: bool) -> None:
    atoms = crooked()
    if not periodic:
        atoms.set_pbc(False)
        atoms.set_cell(None)
    atoms.calc = aluminium
    forces = atoms.get_forces()
    assert np.abs(forces).max() > 0.5
    slopes = calculate_numerical_forces(atoms, eps=1e-4, iatoms=[0, 7])
    np.testing.assert_allclose(forces[[0, 7]], slopes, atol=2e-5)


def test_stress_is_the_slope_over_strain(aluminium: LammpsPotential) -> None:
    atoms = crooked()
    atoms.calc = aluminium
    stress = atoms.get_stress()
    assert np.abs(stress).max() > 0.01
    np.testing.assert_allclose(stress, calculate_numerical_stress(atoms, eps=1e-5), atol=1e-6)


def test_neither_rotation_nor_order_nor_cell_vectors_matter(aluminium: LammpsPotential) -> None:
    atoms = crooked()
    atoms.calc = aluminium
    energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    order = np.random.default_rng(1).permutation(len(atoms))
    turned = atoms[order]
    turned.set_cell(np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1]]) @ turned.cell.array)
    turned.rotate(40, (1, 2, 3), rotate_cell=True)
    turned.translate((3.0, -7.0, 1.0))
    turned.calc = aluminium
    assert turned.get_potential_energy() == pytest.approx(energy, abs=1e-9)
    expected = Atoms("X" * len(order), positions=forces[order])
    expected.rotate(40, (1, 2, 3))
    np.testing.assert_allclose(turned.get_forces(), expected.positions, atol=1e-9)


def test_types_are_those_of_the_elements() -> None:
    calculator = LammpsPotential(LENNARD_JONES, ["Ne", "He"])
    expected = {
        "NeNe": 0.02 * 4 * ((2.6 / 3) ** 12 - (2.6 / 3) ** 6),
        "HeNe": 0.03 * 4 * ((2.4 / 3) ** 12 - (2.4 / 3) ** 6),
    }
    found: dict[str, float] = {}
    for symbols in expected:
        atoms = Atoms(symbols, positions=[[0, 0, 0], [0, 0, 3]], calculator=calculator)
        found[symbols] = atoms.get_potential_energy()
        atoms.positions[1, 2] = 20
        assert atoms.get_potential_energy() == 0
    # The smoothed potential is shifted by a constant for each pair of types.
    shift = {name: found[name] - expected[name] for name in expected}
    assert found["NeNe"] < 0 < abs(found["NeNe"] - found["HeNe"])
    assert all(abs(value) < 1e-3 for value in shift.values())


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda atoms: atoms.set_pbc([True, True, False]), "periodic in three directions or in none"),
        (lambda atoms: atoms.set_atomic_numbers([29] * len(atoms)), r"no type for atomic numbers \[29\]"),
    ],
)
def test_what_it_cannot_compute_is_refused(aluminium: LammpsPotential, change: Any, what: str) -> None:
    atoms = crooked()
    change(atoms)
    atoms.calc = aluminium
    with pytest.raises(CalculatorSetupError, match=what):
        atoms.get_potential_energy()


def test_wrong_commands_are_said_at_once() -> None:
    with pytest.raises(Exception, match="no_such_style"):
        LammpsPotential(["pair_style no_such_style"], ["Al"])
