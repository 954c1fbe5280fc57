"""Samples structures: dynamics of molecules, dimers, clusters and liquids on an ensemble, and molecules pulled and
pushed out of shape. OUT is extended XYZ without labels.

Trajectories run side by side, one evaluation for all of them a step, through the project's own server. A trajectory
ends where the members' forces disagree by more than STOP or atoms come too close; the frame at which they disagree is
kept. From a periodic box come droplets: whole molecules around a centre, since the labels have no periodic images."""

import argparse
from dataclasses import dataclass

import numpy as np
import structures
from ase import Atoms
from frames import Floats, Frame, write
from liquid import box, droplet
from mlts_ase import MLTS, MltsError
from structures import Rng, Structure

BOLTZMANN = 8.617333262145e-5  # eV/K
ACCELERATION = 9.648533212331e-3  # 1 eV / (amu Å) in Å/fs²
TIMESTEP, FRICTION = 0.7, 0.02  # fs, 1/fs
STOP = 2.0  # eV/Å, largest σ_F of an atom
SHORTEST = 0.6  # Å; closer atoms are not worth a label
DROPLETS = 5  # from each frame of a box
TOGETHER = 128  # trajectories


@dataclass
class Kind:
    count: int  # trajectories, or single structures where steps is 0
    steps: int = 0
    every: int = 1
    kelvin: tuple[float, float] = (0.0, 0.0)


KINDS = {
    "molecule": Kind(4200, 300, 12, (200.0, 1500.0)),
    "dimer": Kind(1700, 300, 12, (200.0, 900.0)),
    "cluster": Kind(750, 300, 12, (200.0, 700.0)),
    "liquid": Kind(60, 1500, 100, (250.0, 500.0)),
    "distorted": Kind(26000),
    "contact": Kind(16000),
    "droplet": Kind(700),
}
# Of molecules that no trajectory above visits, at the temperatures of use.
UNSEEN = Kind(1500, 200, 50, (300.0, 600.0))


class Walker:
    """One Langevin trajectory and the frames it left behind."""

    def __init__(self, rng: Rng, kind: Kind, start: Structure, cell: Floats | None) -> None:
        self.rng, self.kind, self.cell = rng, kind, cell
        self.atoms = Atoms(start.numbers, start.positions, cell=cell, pbc=cell is not None)
        self.mass = self.atoms.get_masses()[:, None]
        self.spread = np.sqrt(BOLTZMANN * rng.uniform(*kind.kelvin) * ACCELERATION / self.mass)
        self.velocities = self.spread * rng.normal(size=start.positions.shape)
        self.found: list[Structure] = []

    def step(self, number: int, forces: Floats, sigma: float) -> bool:
        """One step; False once the members disagree."""
        calm = sigma < STOP
        if number > 0 and (number % self.kind.every == 0 or not calm):
            self.found.append(Structure(self.atoms.numbers.copy(), self.atoms.positions.copy()))
        keep = np.exp(-FRICTION * TIMESTEP)
        push = np.clip(forces, -30.0, 30.0)  # a start may have molecules inside one another
        kicked = self.velocities + TIMESTEP * ACCELERATION * push / self.mass
        noise = self.spread * self.rng.normal(size=kicked.shape)
        self.velocities = keep * kicked + np.sqrt(1.0 - keep * keep) * noise
        self.atoms.positions += TIMESTEP * self.velocities
        return calm or number < 20  # bad starts get the time to relax

    def structures(self) -> list[Structure]:
        if self.cell is None:
            return self.found
        cut = (droplet(self.rng, frame, self.cell) for frame in self.found for _ in range(DROPLETS))
        return [drop for drop in cut if drop is not None]


def start(rng: Rng, name: str) -> tuple[Structure, Floats | None]:
    if name == "molecule":
        return structures.molecule(rng), None
    if name == "unseen":
        return structures.molecule(rng, str(rng.choice(structures.UNSEEN))), None
    if name == "dimer":
        return structures.dimer(rng), None
    if name == "cluster":
        while True:
            grown = structures.cluster(rng, int(rng.integers(3, 9)), 1.0 if rng.random() < 0.6 else 0.6)
            if len(grown.numbers) <= 40:
                return grown, None
    return box(rng, int(rng.integers(24, 36)))


def run(calc: MLTS, walkers: list[Walker], steps: int) -> None:
    active = walkers
    for number in range(steps + 1):
        results = calc.calculate_many([w.atoms for w in active], return_errors=True)
        going = []
        for walker, result in zip(active, results, strict=True):
            if isinstance(result, MltsError):  # atoms on top of each other
                continue
            if walker.step(number, result["forces"], float(result["sigma_forces"].max())):
                going.append(walker)
        active = going
        if not active:
            return


def single(rng: Rng, name: str) -> Structure:
    if name == "distorted":
        return structures.distorted(rng, structures.molecule(rng, structures.WATER if rng.random() < 0.05 else None))
    return structures.contact(rng) if name == "contact" else structures.droplet(rng)


def sound(s: Structure) -> bool:
    distances = np.linalg.norm(s.positions[:, None] - s.positions[None], axis=2) + 10.0 * np.eye(len(s.numbers))
    return bool(np.isfinite(distances).all() and distances.min() > SHORTEST)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("--model", help="a .mlts file that drives the dynamics; default: the embedded model")
    parser.add_argument("--kinds", nargs="+", default=[*KINDS], choices=[*KINDS, "unseen"])
    parser.add_argument("--scale", type=float, default=1.0, help="of the numbers of trajectories")
    parser.add_argument("--seed", type=int, default=0, help="another one gives test frames")
    arguments = parser.parse_args()
    with open(arguments.out, "w") as out, MLTS(model=arguments.model) as calc:
        for name in arguments.kinds:
            kind = KINDS.get(name, UNSEEN)
            count, total = round(kind.count * arguments.scale), 0
            place = [*KINDS, "unseen"].index(name)
            rngs = [np.random.default_rng([arguments.seed, place, number]) for number in range(count)]
            for first in range(0, count, TOGETHER):
                some = rngs[first : first + TOGETHER]
                if kind.steps > 0:
                    walkers = [Walker(rng, kind, *start(rng, name)) for rng in some]
                    run(calc, walkers, kind.steps)
                    found = [walker.structures() for walker in walkers]
                else:
                    found = [[single(rng, name)] for rng in some]
                for number, group in enumerate(found, first):
                    sane = [s for s in group if sound(s)]
                    total += len(sane)
                    label = f"{arguments.seed}-{name}-{number}"
                    write(out, [Frame(s.numbers, s.positions, name, label) for s in sane])
                print(f"\r{name}: {min(first + TOGETHER, count)} of {count}, {total} structures", end="", flush=True)
            print()


if __name__ == "__main__":
    main()
