"""Finds structures for the next round: dynamics on the ensemble itself, stopped where its members disagree.

Molecules, dimers and clusters run in vacuum, water and mixtures also in periodic boxes. From a box come droplets:
whole molecules around a centre, since the labels have no periodic images. Frames are taken at intervals and where the
members' forces first disagree by more than STOP."""

import argparse

import numpy as np
import structures
from descriptor import Single
from ensemble import Ensemble
from frames import write_structures
from labels import ACCELERATION, BOLTZMANN, MASSES
from structures import COVALENT, Floats, Rng, Structure

STOP = 1.5  # eV/Å, largest σ_F of an atom
COUNTS = {"molecule": 156, "dimer": 104, "cluster": 52, "liquid": 24}
SHORTEST = 0.6  # Å; closer atoms are not worth a label
DROPLET = (4.5, 6.3)  # Å, range of a droplet's radius
DROPLETS = 4  # from each frame of a box


def box(rng: Rng, size: int) -> tuple[Structure, Floats]:
    """Molecules on a cubic grid: water at 0.85–1.1 g/cm³, or (one box in three) a thinner mixture."""
    pure = rng.random() < 0.67
    water, density = (1.0, rng.uniform(0.85, 1.1)) if pure else (0.6, rng.uniform(0.5, 0.8))
    parts = [structures.partner(rng, water) for _ in range(size)]
    mass = sum(MASSES[part.numbers].sum() for part in parts)
    side = float((mass * 1.66053907 / density) ** (1 / 3))
    per_side = int(np.ceil(size ** (1 / 3)))
    places = rng.permutation(np.array(list(np.ndindex(per_side, per_side, per_side))))[:size] * (side / per_side)
    positions = [part.positions + place for part, place in zip(parts, places, strict=True)]
    return Structure(np.concatenate([part.numbers for part in parts]), np.vstack(positions)), side * np.eye(3)


def molecules_of(numbers: structures.Ints, positions: Floats, cell: Floats) -> list[list[int]]:
    """Atom indices of each bonded set, across the cell's faces."""
    vectors = positions[None] - positions[:, None]
    vectors -= np.round(vectors @ np.linalg.inv(cell)) @ cell
    bonded = np.linalg.norm(vectors, axis=2) < 1.25 * (COVALENT[numbers][:, None] + COVALENT[numbers][None])
    left, found = set(range(len(numbers))), []
    while left:
        reached, front = set(), {left.pop()}
        while front:
            reached |= front
            front = {int(j) for i in front for j in np.flatnonzero(bonded[i])} - reached
        left -= reached
        found.append(sorted(reached))
    return found


def droplet(rng: Rng, s: Structure, cell: Floats) -> Structure:
    """Whole molecules with an atom within a random radius of a random atom, as seen from there."""
    positions = s.positions - s.positions[rng.integers(len(s.numbers))]
    chosen_numbers, chosen_positions = [], []
    images = (np.array(list(np.ndindex(3, 3, 3))) - 1) @ cell
    radius = rng.uniform(*DROPLET)
    for members in molecules_of(s.numbers, positions, cell):
        part = positions[members]
        shift = part - part[0]
        part = part[0] + shift - np.round(shift @ np.linalg.inv(cell)) @ cell  # made whole
        part = part - np.round(part.mean(0) @ np.linalg.inv(cell)) @ cell
        for image in images:
            if np.linalg.norm(part + image, axis=1).min() < radius and np.linalg.norm((part + image).mean(0)) < radius:
                chosen_numbers.append(s.numbers[members])
                chosen_positions.append(part + image)
    return Structure(np.concatenate(chosen_numbers), np.vstack(chosen_positions))


class Walker:
    """One Langevin trajectory (0.7 fs, friction 0.02/fs) and the frames it left behind."""

    def __init__(self, rng: Rng, kind: str) -> None:
        self.rng, self.found = rng, list[Structure]()
        self.s, self.cell = start(rng, kind)
        kT = BOLTZMANN * rng.uniform(200.0, 1200.0 if self.cell is None else 500.0)
        self.mass = MASSES[self.s.numbers][:, None]
        self.spread = np.sqrt(kT * ACCELERATION / self.mass)
        self.velocities = self.spread * rng.normal(size=self.s.positions.shape)

    def step(self, forces: Single, keep_frame: bool) -> bool:
        """One step under the members' forces [n,3,members]; False once they disagree."""
        calm = bool(np.sqrt(forces.var(2, ddof=1).sum(1)).max() < STOP)
        if keep_frame or not calm:
            self.found.append(self.s)
        dt, keep = 0.7, np.exp(-0.02 * 0.7)
        push = np.clip(forces.mean(2), -30.0, 30.0)  # a start may have molecules inside one another
        kicked = self.velocities + dt * ACCELERATION * push / self.mass
        noise = self.spread * self.rng.normal(size=kicked.shape)
        self.velocities = keep * kicked + np.sqrt(1.0 - keep * keep) * noise
        self.s = Structure(self.s.numbers, self.s.positions + dt * self.velocities)
        return calm

    def structures(self) -> list[Structure]:
        if self.cell is None:
            return self.found
        return [droplet(self.rng, frame, self.cell) for frame in self.found for _ in range(DROPLETS)]


def explore(ensemble: Ensemble, walkers: list[Walker], steps: int, every: int) -> None:
    """Runs the walkers side by side."""
    active = list(walkers)
    for step in range(1, steps + 1):
        results = ensemble.evaluate([(w.s.numbers, w.s.positions, w.cell) for w in active])
        active = [w for w, (_, forces) in zip(active, results, strict=True) if w.step(forces, step % every == 0)]
        if not active:
            return


def start(rng: Rng, kind: str) -> tuple[Structure, Floats | None]:
    if kind == "molecule":
        return structures.molecule(rng), None
    if kind == "dimer":
        return structures.dimer(rng), None
    if kind == "cluster":
        return structures.cluster(rng, int(rng.integers(3, 9)), 0.7), None
    return box(rng, int(rng.integers(24, 36)))


def sound(s: Structure) -> bool:
    distances = np.linalg.norm(s.positions[:, None] - s.positions[None], axis=2) + 10.0 * np.eye(len(s.numbers))
    return bool(np.isfinite(distances).all() and distances.min() > SHORTEST)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ensemble", required=True)
    parser.add_argument("--round", type=int, required=True, help="1, 2, …; part of the seed")
    parser.add_argument("--out", required=True, help="structures without labels, .npz")
    arguments = parser.parse_args()
    ensemble = Ensemble.open(arguments.ensemble)
    found, group = [], 0
    for number, (kind, count) in enumerate(COUNTS.items()):
        steps, every, together = (1000, 100, 8) if kind == "liquid" else (300, 60, 52)
        walkers = [Walker(np.random.default_rng([arguments.round, number, seed]), kind) for seed in range(count)]
        for first in range(0, count, together):
            explore(ensemble, walkers[first : first + together], steps, every)
        for walker in walkers:
            found += [(s, kind, group) for s in walker.structures() if sound(s)]
            group += 1
        print(f"{kind}: {sum(k == kind for _, k, _ in found)} structures", flush=True)
    write_structures(arguments.out, found)


if __name__ == "__main__":
    main()
