"""HIP-NN through the calculator: a daemon of its own, derivatives by finite differences of its energy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase.build import molecule
from ase.stress import full_3x3_to_voigt_6_stress
from mlts_ase import MLTS
from synthetic import write_hipnn


@pytest.mark.parametrize("order", [0, 1, 2])
def test_forces_and_stress_are_derivatives(tmp_path: Path, order: int) -> None:
    atoms = molecule("CH3CONH2", cell=[[4.6, 0, 0], [0.7, 4.4, 0], [-0.4, 0.5, 5.0]], pbc=True)
    with MLTS(model=write_hipnn(tmp_path / "messages.mlts", order), precision="double") as calc:
        atoms.calc = calc
        forces, stress = atoms.get_forces(), atoms.get_stress()
        assert np.abs(forces).max() > 0.1
        assert calc.results["sigma_energy"] > 1e-4
        for i in (0, 4):
            for axis in range(3):
                energies = []
                for sign in (1, -1):
                    moved = atoms.copy()
                    moved.positions[i, axis] += sign * 1e-4
                    moved.calc = calc
                    energies.append(moved.get_potential_energy())
                assert forces[i, axis] == pytest.approx((energies[1] - energies[0]) / 2e-4, abs=1e-5)
        volume, numeric = atoms.get_volume(), np.zeros((3, 3))
        for a in range(3):
            for b in range(3):
                for sign in (1, -1):
                    strained = atoms.copy()
                    strain = np.eye(3)
                    strain[a, b] += sign * 1e-5
                    strained.set_cell(atoms.cell @ strain, scale_atoms=True)
                    strained.calc = calc
                    numeric[a, b] += sign * strained.get_potential_energy() / (2e-5 * volume)
        np.testing.assert_allclose(stress, full_3x3_to_voigt_6_stress(numeric), atol=1e-7)
