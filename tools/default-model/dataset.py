"""Labelled frames made ready for training: descriptors, self energies, weights, blocks."""

import numpy as np
from descriptor import ELEMENTS, MEMBERS, Floats, Ints, Single, describe, join, neighbours
from frames import Frame

BLOCKS = 16
CALM_FORCE = 10.0  # eV/Å; self energies are fitted to frames below
SOFT_FORCE = 5.0  # eV/Å; frames with stronger forces count less and less


def fit_self_energies(frames: list[Frame]) -> Floats:
    """[elements] eV, by least squares without intercept over the frames without strong forces."""
    calm = [frame for frame in frames if np.abs(frame.forces).max() < CALM_FORCE]
    counts = np.array([[np.count_nonzero(frame.numbers == z) for z in ELEMENTS] for frame in calm], float)
    solution: Floats = np.linalg.lstsq(counts, np.array([frame.energy for frame in calm]), rcond=None)[0]
    return solution


class Dataset:
    """Frames end to end. The atoms of frame f are start[f]…stop[f]."""

    def __init__(self, frames: list[Frame], self_energies: Floats | None = None) -> None:
        """The self energies [elements] eV are fitted where none are given."""
        self.self_energies = fit_self_energies(frames) if self_energies is None else self_energies
        offsets = np.cumsum([0] + [len(frame.numbers) for frame in frames])
        self.start, self.stop = offsets[:-1], offsets[1:]
        self.kind = np.array([frame.kind for frame in frames])
        self.listed = join([neighbours(frame.numbers, frame.positions) for frame in frames])
        self.descriptors = describe(self.listed)
        own = np.add.reduceat(self.self_energies[self.listed.species], self.start)
        self.energy = (np.array([frame.energy for frame in frames]) - own).astype(np.float32)  # [frames] eV, less own
        self.forces = np.concatenate([frame.forces for frame in frames]).astype(np.float32)  # [atoms,3] eV/Å
        strongest = np.maximum.reduceat(np.linalg.norm(self.forces, axis=1), self.start)
        self.weight = 1.0 / (1.0 + (strongest / SOFT_FORCE) ** 2)  # [frames]
        group = np.array([frame.group for frame in frames])
        # A longer draw begins like a shorter one: frames stay in their block when later rounds are appended.
        self.block = np.random.default_rng(16).integers(0, BLOCKS, group.max() + 1)[group]

    def rows(self, frames: Ints) -> Ints:
        """Indices of the atoms of `frames`, frame after frame."""
        return np.concatenate([np.arange(self.start[f], self.stop[f]) for f in frames])

    def scale(self) -> Single:
        """[columns] 1/(spread + 0.05), the spread being the standard deviation averaged over the elements."""
        variance = [self.descriptors[self.listed.species == s].var(0) for s in range(len(ELEMENTS))]
        return np.array(1.0 / (np.sqrt(np.mean(variance, 0)) + 0.05), np.float32)

    def trains(self, frames: Ints) -> Single:
        """1 where a member trains on a frame, 0 where it validates [frames,members]."""
        return np.array(self.block[frames][:, None] // 2 != np.arange(MEMBERS), np.float32)
