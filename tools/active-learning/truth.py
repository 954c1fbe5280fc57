"""Test frames of aluminium by an embedded-atom potential: WORK; cold curves, hot crystals, the liquid.

``cold.extxyz``          fcc, bcc and hcp at 0.85-1.2 of the volume at rest
``crystal.extxyz``       the same with thermal displacements and strains
``liquid.extxyz``        108 atoms in dynamics at 1000 and 2000 K
``liquid-1000K.extxyz``  a trajectory of the liquid, for its g(r)
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution
from mlts_ase.lammps_potential import LammpsPotential

EAM = LammpsPotential(["pair_style eam/alloy", "pair_coeff * * Al_zhou.eam.alloy Al"], ["Al"])
#: Lattice constants at rest of this potential are found by themselves; these are where the search begins, Å.
GUESS = {"fcc": 4.05, "bcc": 3.24, "hcp": 2.86}


def labelled(atoms: Atoms) -> Atoms:
    """A copy with energy, forces and stress that a file keeps."""
    found = atoms.copy()
    found.calc = EAM
    results = {
        "energy": found.get_potential_energy(),
        "forces": found.get_forces(),
        "stress": found.get_stress(),
    }
    found.calc = SinglePointCalculator(found, **results)
    return found


def crystal(lattice: str, a: float) -> Atoms:
    return bulk("Al", lattice, a=a, **({"c": a * np.sqrt(8 / 3)} if lattice == "hcp" else {}))


def at_rest(lattice: str) -> float:
    """The lattice constant of lowest energy, from a parabola through a fine scan."""
    scan = np.linspace(0.97, 1.03, 13) * GUESS[lattice]
    energies = [labelled(crystal(lattice, a)).get_potential_energy() for a in scan]
    b, c = np.polyfit(scan, energies, 2)[:2]
    return float(-c / (2 * b))


def cold_curves() -> list[Atoms]:
    frames = []
    for lattice in GUESS:
        rest = at_rest(lattice)
        for volume in np.linspace(0.85, 1.2, 15):
            frame = labelled(crystal(lattice, rest * np.cbrt(volume)))
            frame.info["group"] = lattice
            frames.append(frame)
    return frames


def hot_crystals(random: np.random.Generator, count: int) -> list[Atoms]:
    frames = []
    for k in range(count):
        lattice = list(GUESS)[k % len(GUESS)]
        atoms = crystal(lattice, at_rest(lattice)) * (3, 3, 3)
        strain = np.eye(3) + random.normal(0, 0.015, (3, 3))
        atoms.set_cell(atoms.cell.array @ strain, scale_atoms=True)
        atoms.positions += random.normal(0, 0.15, atoms.positions.shape)
        frames.append(labelled(atoms))
    return frames


def liquid(random: np.random.Generator, temperature: float, frames: int, every: int) -> list[Atoms]:
    """Langevin dynamics of 108 atoms at 2.36 g/cm³, melted at twice the temperature first."""
    atoms = bulk("Al", "fcc", a=4.05, cubic=True) * (3, 3, 3)
    mass = atoms.get_masses().sum() / units.kg * 1e3
    edge = np.cbrt(mass / 2.36) * 1e8
    atoms.set_cell([edge] * 3, scale_atoms=True)
    atoms.calc = EAM
    MaxwellBoltzmannDistribution(atoms, temperature_K=2 * temperature, rng=random)
    for heat, steps in ((2 * max(temperature, 1500), 1000), (temperature, 1500)):
        Langevin(atoms, 2 * units.fs, temperature_K=heat, friction=0.01 / units.fs, rng=random).run(steps)
    dynamics = Langevin(atoms, 2 * units.fs, temperature_K=temperature, friction=0.005 / units.fs, rng=random)
    found = []
    for _ in range(frames):
        dynamics.run(every)
        found.append(labelled(atoms))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    work = parser.parse_args().work
    random = np.random.default_rng(1)
    write(work / "cold.extxyz", cold_curves())
    write(work / "crystal.extxyz", hot_crystals(random, 60))
    write(work / "liquid.extxyz", [*liquid(random, 1000, 20, 50), *liquid(random, 2000, 20, 50)])
    write(work / "liquid-1000K.extxyz", liquid(random, 1000, 300, 20))


if __name__ == "__main__":
    main()
