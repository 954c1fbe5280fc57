"""Picks frames for a transfer from GFN2-xTB to a density functional: FRAMES OUT, FRAMES being labelled frames of
tools/default-model (extended XYZ), OUT a folder.

A fifth of the formulas is for tests: no training, at either level, sees any molecule of them. OUT/low.extxyz: all
frames of the other formulas with their GFN2-xTB labels; OUT/train.xyz and OUT/test.xyz: structures with up to 4 heavy
atoms for the functional, from as many trajectories as there are, in random order, so that a smaller training set is the
beginning of a larger one. OUT/low-train.extxyz and OUT/low-test.extxyz: the same with GFN2-xTB labels."""

import argparse
import hashlib
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "default-model"))

from frames import Frame, labelled, write

HIGH = 4  # heavy atoms at most
TRAIN, TEST = 400, 150
HILL = {"C": 6, "H": 1, "N": 7, "O": 8}


def formula(frame: Frame) -> str:
    counts = np.bincount(frame.numbers, minlength=9)
    return "".join(f"{s}{counts[z] if counts[z] > 1 else ''}" for s, z in HILL.items() if counts[z])


def heavy(frame: Frame) -> int:
    return int(np.count_nonzero(frame.numbers > 1))


def is_test(name: str) -> bool:
    return hashlib.sha256(name.encode()).digest()[0] < 51


def spread(frames: list[Frame], count: int, rng: np.random.Generator) -> list[Frame]:
    """That many frames, from as many trajectories as there are."""
    by_group: dict[str, list[Frame]] = {}
    for frame in rng.permutation(np.array(frames, dtype=object)):
        by_group.setdefault(frame.group, []).append(frame)
    found: list[Frame] = []
    while len(found) < count and by_group:
        for group in list(by_group):
            found.append(by_group[group].pop())
            if not by_group[group]:
                del by_group[group]
    return [found[i] for i in rng.permutation(count)]


def bare(frame: Frame) -> Frame:
    return Frame(frame.numbers, frame.positions, frame.kind, frame.group)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frames")
    parser.add_argument("out")
    arguments = parser.parse_args()
    rng = np.random.default_rng(1)
    found = [frame for frame in labelled(arguments.frames) if frame.kind == "molecule"]
    small = [frame for frame in found if 0 < heavy(frame) <= HIGH]
    names = sorted({formula(frame) for frame in small})
    test = [frame for frame in small if is_test(formula(frame))]
    train = [frame for frame in small if not is_test(formula(frame))]
    low = [frame for frame in found if not is_test(formula(frame))]
    tested, trained = spread(test, TEST, rng), spread(train, TRAIN, rng)
    for name, frames in {
        "low.extxyz": low,
        "low-train.extxyz": trained,
        "low-test.extxyz": tested,
        "train.xyz": [bare(frame) for frame in trained],
        "test.xyz": [bare(frame) for frame in tested],
    }.items():
        with open(os.path.join(arguments.out, name), "w") as file:
            write(file, frames)
    tests = sorted(name for name in names if is_test(name))
    print(f"{len(low)} frames for the low level; {len(names)} formulas for the high one, for tests {' '.join(tests)}")


if __name__ == "__main__":
    main()
