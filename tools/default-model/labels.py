"""Samples structures and labels them with GFN2-xTB (tblite): energies in eV, forces in eV/Å.

Round 0 needs nothing; later rounds label what `explore.py` found. Each task has its own seed, so the result
does not depend on the number of workers."""

import argparse
import os

os.environ["OMP_NUM_THREADS"] = "1"  # before tblite loads: one thread a worker

from multiprocessing import Pool

import numpy as np
import structures
from frames import Frame, read_structures, write_frames
from structures import Floats, Ints, Rng, Structure
from tblite.interface import Calculator, Result

BOHR = 0.529177210903  # Å
HARTREE = 27.211386245988  # eV
BOLTZMANN = 8.617333262145e-5  # eV/K
# 1 eV / (amu Å) in Å/fs²
ACCELERATION = 9.648533212331e-3
MASSES = np.zeros(9)
MASSES[[1, 6, 7, 8]] = [1.008, 12.011, 14.007, 15.999]
LARGEST_FORCE = 80.0  # eV/Å; beyond, the SCF is hardly meaningful
# kind: how many trajectories (or single structures) in round 0.
COUNTS = {
    "molecule": 1500,
    "distorted": 2500,
    "dimer": 700,
    "contact": 2200,
    "cluster": 330,
    "droplet": 500,
    "unseen": 80,
}


class Engine:
    """GFN2-xTB of one structure, started from its last density."""

    def __init__(self, numbers: Ints, positions: Floats) -> None:
        self.calculator = Calculator("GFN2-xTB", numbers, positions / BOHR)
        self.calculator.set("verbosity", 0)
        self.result: Result | None = None

    def __call__(self, positions: Floats) -> tuple[float, Floats]:
        """Energy in eV, forces [n,3] in eV/Å. Raises RuntimeError where the SCF fails."""
        self.calculator.update(positions / BOHR)
        result = self.result = self.calculator.singlepoint(self.result)
        forces = -result.get("gradient") * HARTREE / BOHR
        energy = float(result.get("energy")) * HARTREE
        if not np.isfinite(energy) or not np.all(np.abs(forces) < LARGEST_FORCE):
            raise RuntimeError("forces out of bounds")
        return energy, forces


def label(s: Structure, kind: str, group: int) -> list[Frame]:
    try:
        energy, forces = Engine(s.numbers, s.positions)(s.positions)
    except RuntimeError:
        return []
    return [Frame(s.numbers, s.positions, energy, forces, kind, group)]


def trajectory(rng: Rng, s: Structure, kind: str, group: int, steps: int, every: int, hottest: float) -> list[Frame]:
    """Langevin dynamics (BAOAB, friction 0.03/fs, 0.8 fs) on GFN2-xTB; every `every`-th frame is kept.

    Temperatures are drawn between 200 K and `hottest`."""
    kT = BOLTZMANN * rng.uniform(200.0, hottest)
    dt, friction = 0.8, 0.03
    mass = MASSES[s.numbers][:, None]
    spread = np.sqrt(kT * ACCELERATION / mass)
    keep = np.exp(-friction * dt)
    positions = s.positions + rng.normal(0.0, 0.02, s.positions.shape)
    velocities = spread * rng.normal(size=positions.shape)
    frames: list[Frame] = []
    try:
        engine = Engine(s.numbers, positions)
        energy, forces = engine(positions)
        for step in range(1, steps + 1):
            velocities += 0.5 * dt * ACCELERATION * forces / mass
            positions = positions + 0.5 * dt * velocities
            velocities = keep * velocities + np.sqrt(1.0 - keep * keep) * spread * rng.normal(size=positions.shape)
            positions = positions + 0.5 * dt * velocities
            energy, forces = engine(positions)
            velocities += 0.5 * dt * ACCELERATION * forces / mass
            if step % every == 0:
                frames.append(Frame(s.numbers, positions, energy, forces, kind, group))
    except RuntimeError:
        pass  # an SCF that fails ends the trajectory; what came before it is sound
    return frames


def first_round(task: tuple[int, str, int, int]) -> list[Frame]:
    seed, kind, number, group = task
    rng = np.random.default_rng([seed, list(COUNTS).index(kind), number])
    if kind == "molecule":
        return trajectory(rng, structures.molecule(rng), kind, group, 105, 15, 1500.0)
    if kind == "unseen":
        smiles = str(rng.choice(structures.UNSEEN))
        return trajectory(rng, structures.molecule(rng, smiles), kind, group, 105, 15, 1500.0)
    if kind == "dimer":
        return trajectory(rng, structures.dimer(rng), kind, group, 96, 16, 800.0)
    if kind == "cluster":
        size = int(rng.integers(3, 9))
        start = structures.cluster(rng, size, 1.0 if rng.random() < 0.6 else 0.6)
        return trajectory(rng, start, kind, group, 120, 20, 600.0) if len(start.numbers) <= 40 else []
    if kind == "distorted":
        whole = structures.molecule(rng, structures.WATER if rng.random() < 0.05 else None)
        return label(structures.distorted(rng, whole), kind, group)
    return label(structures.contact(rng) if kind == "contact" else structures.droplet(rng), kind, group)


def explored(task: tuple[Structure, str, int]) -> list[Frame]:
    return label(*task)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--explored", help="structures of explore.py to label instead of round 0")
    parser.add_argument("--scale", type=float, default=1.0, help="fraction of the counts of round 0")
    parser.add_argument("--seed", type=int, default=0, help="of round 0; another one gives test frames")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--out", required=True, help="labelled frames, .npz")
    arguments = parser.parse_args()
    with Pool(arguments.workers) as pool:
        if arguments.explored:
            batches = pool.imap(explored, read_structures(arguments.explored), chunksize=8)
        else:
            counts = {kind: round(count * arguments.scale) for kind, count in COUNTS.items()}
            tasks = [(arguments.seed, kind, number) for kind, count in counts.items() for number in range(count)]
            order = np.random.default_rng(0).permutation(len(tasks))
            batches = pool.imap(first_round, [(*tasks[k], group) for group, k in enumerate(order)], chunksize=8)
        frames = [frame for batch in batches for frame in batch]
    write_frames(arguments.out, frames)
    kinds, numbers = np.unique([frame.kind for frame in frames], return_counts=True)
    print(arguments.out, len(frames), "frames:", ", ".join(f"{k} {n}" for k, n in zip(kinds, numbers, strict=True)))


if __name__ == "__main__":
    main()
