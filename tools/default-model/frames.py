"""Structures and labelled frames in extended XYZ: energies in eV, forces in eV/Å, kind and group in the header."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SYMBOLS = {1: "H", 6: "C", 7: "N", 8: "O"}
NUMBERS = {symbol: number for number, symbol in SYMBOLS.items()}
LEVEL = "GFN2-xTB"


@dataclass
class Frame:
    numbers: Ints  # [n]
    positions: Floats  # [n,3] Å
    kind: str
    group: str  # frames of one trajectory share a group and are never split between training and test
    energy: float | None = None  # eV
    forces: Floats | None = field(default=None, repr=False)  # [n,3] eV/Å


def write(file: TextIO, frames: Iterable[Frame], level: str = LEVEL) -> None:
    for f in frames:
        columns, header = [f.positions], "species:S:1:pos:R:3"
        labels = ""
        if f.forces is not None:
            columns.append(f.forces)
            header += ":forces:R:3"
            labels = f' energy={f.energy:.10g} level="{level}"'
        rows = np.hstack(columns)
        file.write(f'{len(f.numbers)}\nProperties={header}{labels} kind={f.kind} group="{f.group}" pbc="F F F"\n')
        for number, row in zip(f.numbers, rows, strict=True):
            file.write(SYMBOLS[int(number)] + " " + " ".join(f"{x:.8g}" for x in row) + "\n")


def _blocks(path: str) -> Iterator[tuple[str, list[list[str]]]]:
    with open(path) as file:
        while line := file.readline():
            yield file.readline(), [file.readline().split() for _ in range(int(line))]


def _frame(header: str, rows: list[list[str]]) -> Frame:
    kind, group = (_value(header, key) for key in ("kind", "group"))
    numbers = np.array([NUMBERS[row[0]] for row in rows])
    return Frame(numbers, np.array([[float(x) for x in row[1:4]] for row in rows]), kind, group)


def _value(header: str, key: str) -> str:
    return header.split(f"{key}=")[1].split()[0].strip('"')


def read(path: str) -> Iterator[Frame]:
    """Frames of a file of `write`, without their labels."""
    for header, rows in _blocks(path):
        yield _frame(header, rows)


def labelled(path: str) -> Iterator[Frame]:
    """Frames of a file of `write` that has labels."""
    for header, rows in _blocks(path):
        frame = _frame(header, rows)
        frame.energy = float(_value(header, "energy"))
        frame.forces = np.array([[float(x) for x in row[4:7]] for row in rows])
        yield frame
