"""The parameters of the default model's ANI descriptor, and the compiled kernels (kernels.cpp) that evaluate it."""

import ctypes
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from math import ceil, pi
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Single = NDArray[np.float32]
Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]
ELEMENTS = (1, 6, 7, 8)
SPECIES = np.full(9, -1, np.int8)
SPECIES[list(ELEMENTS)] = range(len(ELEMENTS))


def eta(spacing: float) -> float:
    """Width at which neighbouring Gaussians overlap by 0.40, rounded up to 0.1 (the ANI authors' rule), Å⁻²."""
    return ceil(10 * 1.4166 / spacing**2) / 10


def evenly(first: float, cutoff: float, count: int) -> list[float]:
    return [round(first + k * (cutoff - first) / count, 6) for k in range(count)]


@dataclass(frozen=True)
class Descriptor:
    """Å, Å⁻², rad. The counts of shifts and sections are those of kernels.cpp."""

    radial_cutoff: float = 5.1
    angular_cutoff: float = 3.5
    zeta: float = 14.0  # the authors' rule says 14.1 for four sections; kernels.cpp wants this integer

    @property
    def radial_shifts(self) -> list[float]:
        return evenly(0.7, self.radial_cutoff, 16)

    @property
    def angular_shifts(self) -> list[float]:
        return evenly(0.8, self.angular_cutoff, 8)

    @property
    def sections(self) -> list[float]:
        return [(z + 0.5) * pi / 4 for z in range(4)]

    @property
    def radial_eta(self) -> float:
        return eta(self.radial_shifts[1] - self.radial_shifts[0])

    @property
    def angular_eta(self) -> float:
        return eta(self.angular_shifts[1] - self.angular_shifts[0])

    def constants(self) -> Single:
        """The fields of `struct Constants`."""
        scalars = [self.radial_cutoff, self.radial_eta, self.angular_cutoff, self.angular_eta]
        angles = [*np.cos(self.sections), *np.sin(self.sections)]
        return np.array([*scalars, *self.radial_shifts, *self.angular_shifts, *angles], np.float32)


DEFAULT = Descriptor()


@cache
def library() -> ctypes.CDLL:
    source = Path(__file__).with_name("kernels.cpp")
    target = Path(tempfile.mkdtemp(prefix="mlts-default-model-")) / "kernels.so"
    flags = ["-std=c++17", "-O3", "-march=native", "-ffast-math", "-fopenmp", "-shared", "-fPIC"]
    subprocess.run(["g++", *flags, str(source), "-o", str(target)], check=True)
    return ctypes.CDLL(str(target))


COLUMNS: int = library().columns()
MEMBERS: int = library().members()


def _call(name: str, *arguments: Any) -> None:
    def plain(value: Any) -> Any:
        if not isinstance(value, np.ndarray):
            return ctypes.c_int64(value)
        if not value.flags.c_contiguous:
            raise ValueError(f"{name}: arrays must be C-contiguous")
        return value.ctypes.data_as(ctypes.c_void_p)

    getattr(library(), name)(*map(plain, arguments))


@dataclass
class Neighbours:
    """Full list within the radial cutoff, sorted by centre, then by the neighbour's element."""

    species: NDArray[np.int8]  # [n] 0…3
    first: Ints  # [n+1]
    index: NDArray[np.int32]  # [p]
    vector: Single  # [p,3] Å, from the centre

    def arrays(self, descriptor: Descriptor) -> tuple[Any, ...]:
        return self.first, self.index, self.vector, self.species, descriptor.constants()


def neighbours(numbers: Ints, positions: Floats, cell: Floats | None = None) -> Neighbours:
    """The list of one structure, periodic in all three directions where `cell` [3,3] Å is given."""
    reach = DEFAULT.radial_cutoff
    images = np.zeros((1, 3))
    if cell is not None:
        inverse = np.linalg.inv(cell)
        positions = positions - np.floor(positions @ inverse) @ cell
        layers = np.ceil(reach * np.linalg.norm(inverse, axis=0)).astype(int)
        images = np.array(list(np.ndindex(*(2 * layers + 1)))) - layers
        images = images[np.argsort(np.abs(images).sum(1), kind="stable")] @ cell
    owner = np.tile(np.arange(len(numbers)), len(images))
    everywhere = np.concatenate([positions + image for image in images])
    pairs = cKDTree(positions).sparse_distance_matrix(cKDTree(everywhere), reach, output_type="coo_matrix")
    apart = (pairs.row != pairs.col) & (pairs.data < reach)  # the first image is the cell itself
    centre, other = pairs.row[apart], pairs.col[apart]
    species = SPECIES[numbers]
    order = np.lexsort((other, species[owner[other]], centre))
    centre, other = centre[order], other[order]
    vector = (everywhere[other] - positions[centre]).astype(np.float32)
    first = np.searchsorted(centre, np.arange(len(numbers) + 1)).astype(np.int64)
    return Neighbours(species, first, owner[other].astype(np.int32), vector)


def join(lists: list[Neighbours]) -> Neighbours:
    """One list of many structures, atoms end to end."""
    atoms = np.cumsum([0] + [len(one.species) for one in lists])
    pairs = np.cumsum([0] + [len(one.index) for one in lists])
    return Neighbours(
        np.concatenate([one.species for one in lists]),
        np.concatenate([one.first[:-1] + shift for one, shift in zip(lists, pairs, strict=False)] + [pairs[-1:]]),
        np.concatenate([one.index + shift for one, shift in zip(lists, atoms, strict=False)]).astype(np.int32),
        np.concatenate([one.vector for one in lists]),
    )


def describe(listed: Neighbours, descriptor: Descriptor = DEFAULT) -> Single:
    """G [atoms,COLUMNS]."""
    out = np.empty((len(listed.species), COLUMNS), np.float32)
    _call("describe", 0, len(out), *listed.arrays(descriptor), out)
    return out


@dataclass
class Batch:
    """Frames of a joined list: atoms start…stop of each and their first row."""

    start: Ints
    stop: Ints

    @property
    def row(self) -> Ints:
        return np.concatenate([[0], np.cumsum(self.stop - self.start)[:-1]]).astype(np.int64)

    @property
    def rows(self) -> int:
        return int((self.stop - self.start).sum())


def forces(listed: Neighbours, batch: Batch, g: Single) -> Single:
    """−Jᵀg [rows,3,MEMBERS] for g = dE/dG [rows,COLUMNS,MEMBERS]."""
    out = np.empty((batch.rows, 3, MEMBERS), np.float32)
    _call("forces", len(batch.start), batch.start, batch.stop, batch.row, *listed.arrays(DEFAULT), g, out)
    return out


def tangents(listed: Neighbours, batch: Batch, moved: Single) -> Single:
    """J·moved [rows,COLUMNS,MEMBERS] for moved [rows,3,MEMBERS]."""
    out = np.empty((batch.rows, COLUMNS, MEMBERS), np.float32)
    _call("tangents", len(batch.start), batch.start, batch.stop, batch.row, *listed.arrays(DEFAULT), moved, out)
    return out
