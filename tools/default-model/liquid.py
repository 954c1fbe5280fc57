"""Periodic boxes of molecules, and droplets cut from them. Lengths in Å."""

import numpy as np
import structures
from ase.data import atomic_masses
from structures import COVALENT, Floats, Rng, Structure

DROPLET = (4.0, 5.5)  # Å, range of a droplet's radius
AMU_PER_CUBIC_ANGSTROM = 1.66053907  # g/cm³


def box(rng: Rng, size: int) -> tuple[Structure, Floats]:
    """Molecules on a cubic grid: water at 0.85–1.1 g/cm³, or (one box in three) a thinner mixture."""
    pure = rng.random() < 0.67
    water, density = (1.0, rng.uniform(0.85, 1.1)) if pure else (0.6, rng.uniform(0.5, 0.8))
    parts = [structures.partner(rng, water) for _ in range(size)]
    mass = sum(atomic_masses[part.numbers].sum() for part in parts)
    side = float((mass * AMU_PER_CUBIC_ANGSTROM / density) ** (1 / 3))
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


def droplet(rng: Rng, s: Structure, cell: Floats) -> Structure | None:
    """Whole molecules within a random radius of a random atom, by centre and nearest atom; None: there are none."""
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
    if not chosen_numbers:
        return None
    return Structure(np.concatenate(chosen_numbers), np.vstack(chosen_positions))
