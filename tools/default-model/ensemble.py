"""The ensemble as trained: its file, and its energies and forces on a dataset or on one structure."""

import pickle
from dataclasses import dataclass
from itertools import pairwise

import jax
import numpy as np
from dataset import Dataset
from descriptor import COLUMNS, MEMBERS, Batch, Floats, Ints, Single, describe, forces, join, neighbours
from network import Layers, energies_and_slopes, padded

System = tuple[Ints, Floats, Floats | None]  # atomic numbers, positions and cell in Å, periodic where there is a cell


def by_element(species: Ints) -> list[tuple[int, Ints]]:
    """For each element present, the rows that hold it."""
    return [(int(s), np.flatnonzero(species == s)) for s in np.unique(species)]


@dataclass
class Ensemble:
    networks: list[Layers]  # one an element
    scale: Single  # [columns]
    self_energies: Floats  # [elements] eV

    def save(self, path: str) -> None:
        with open(path, "wb") as file:
            pickle.dump((jax.tree.map(np.asarray, self.networks), self.scale, self.self_energies), file)

    @classmethod
    def open(cls, path: str) -> "Ensemble":
        with open(path, "rb") as file:
            return cls(*pickle.load(file))

    def network_pass(self, species: Ints, rows: Single) -> tuple[Single, Single]:
        """ε [rows,members] eV and dε/dG [rows,columns,members] of rows of mixed elements."""
        energy = np.empty((len(rows), MEMBERS), np.float32)
        slopes = np.empty((len(rows), COLUMNS, MEMBERS), np.float32)
        for s, where in by_element(species):
            values, gradient = energies_and_slopes(self.networks[s], self.scale, padded(rows[where]))
            energy[where] = np.asarray(values)[: len(where)]
            slopes[where] = np.asarray(gradient)[: len(where)]
        return energy, slopes

    def evaluate(self, systems: list[System]) -> list[tuple[Floats, Single]]:
        """For each system its energies [members] in eV and forces [atoms,3,members] in eV/Å."""
        listed = join([neighbours(numbers, positions, cell) for numbers, positions, cell in systems])
        ends = np.cumsum([0] + [len(numbers) for numbers, _, _ in systems])
        energy, slopes = self.network_pass(listed.species, describe(listed))
        atoms = energy + self.self_energies[listed.species][:, None]
        pulls = forces(listed, Batch(ends[:-1], ends[1:]), slopes)
        return [(atoms[a:b].sum(0), pulls[a:b]) for a, b in pairwise(ends)]


def predict(ensemble: Ensemble, data: Dataset, chosen: Ints) -> tuple[Single, Single]:
    """Energies less self energies [frames,members] and forces [rows,3,members] of the chosen frames."""
    energies, pulls = [], []
    for part in np.array_split(chosen, max(1, len(chosen) // 64)):
        batch = Batch(data.start[part], data.stop[part])
        rows = data.rows(part)
        energy, slopes = ensemble.network_pass(data.listed.species[rows], data.descriptors[rows])
        energies.append(np.add.reduceat(energy, batch.row))
        pulls.append(forces(data.listed, batch, slopes))
    return np.concatenate(energies), np.concatenate(pulls)
