"""Labelled frames and their file: one .npz with atoms of all frames end to end."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from structures import Floats, Structure

UNLABELLED = float("nan")


@dataclass
class Frame:
    numbers: NDArray[np.int64]  # [n]
    positions: Floats  # [n,3] Å
    energy: float  # eV
    forces: Floats  # [n,3] eV/Å
    kind: str
    group: int  # frames of one trajectory share a group and are never split between training and test


def write_frames(path: str, frames: list[Frame]) -> None:
    if not frames:
        raise ValueError(f"no frames to write to {path}")
    np.savez(
        path,
        natoms=np.array([len(f.numbers) for f in frames]),
        numbers=np.concatenate([f.numbers for f in frames]),
        positions=np.concatenate([f.positions for f in frames]),
        energy=np.array([f.energy for f in frames]),
        forces=np.concatenate([f.forces for f in frames]),
        kind=np.array([f.kind for f in frames]),
        group=np.array([f.group for f in frames]),
    )


def read_frames(paths: Iterable[str]) -> list[Frame]:
    """All frames of several files; the groups of different files are made distinct."""
    frames: list[Frame] = []
    offset = 0
    for path in paths:
        data = dict(np.load(path).items())
        ends = np.cumsum(data["natoms"])
        for k, (end, count) in enumerate(zip(ends, data["natoms"], strict=True)):
            atoms = slice(end - count, end)
            kind, group = str(data["kind"][k]), offset + int(data["group"][k])
            energy, forces = float(data["energy"][k]), data["forces"][atoms]
            frames.append(Frame(data["numbers"][atoms], data["positions"][atoms], energy, forces, kind, group))
        offset += int(data["group"].max()) + 1
    return frames


def write_structures(path: str, found: list[tuple[Structure, str, int]]) -> None:
    """Structures with their kind and group, still without labels."""
    write_frames(path, [Frame(s.numbers, s.positions, UNLABELLED, 0 * s.positions, k, g) for s, k, g in found])


def read_structures(path: str) -> list[tuple[Structure, str, int]]:
    return [(Structure(f.numbers, f.positions), f.kind, f.group) for f in read_frames([path])]
