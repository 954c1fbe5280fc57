"""Splits labelled frames for docs/active-learning-molecules.md: FRAMES OUT. A fifth of the formulas is for tests; of
them 1500 frames, OUT/test.extxyz, with labels. Of the others 12 000, OUT/pool, a file a frame, without."""

import argparse
import hashlib
import os

import numpy as np
from frames import Frame, labelled, write

POOL, TEST = 12_000, 1_500


def is_test(frame: Frame) -> bool:
    formula = np.bincount(frame.numbers, minlength=9)
    return hashlib.sha256(formula.tobytes()).digest()[0] < 51


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frames")
    parser.add_argument("out")
    arguments = parser.parse_args()
    rng = np.random.default_rng(1)
    frames = list(labelled(arguments.frames))
    test = [frame for frame in frames if is_test(frame)]
    pool = [frame for frame in frames if not is_test(frame)]
    with open(os.path.join(arguments.out, "test.extxyz"), "w") as file:
        write(file, [test[i] for i in rng.permutation(len(test))[:TEST]])
    folder = os.path.join(arguments.out, "pool")
    os.makedirs(folder, exist_ok=True)
    for number, i in enumerate(rng.permutation(len(pool))[:POOL]):
        frame = pool[i]
        with open(os.path.join(folder, f"{number:05}.extxyz"), "w") as file:
            write(file, [Frame(frame.numbers, frame.positions, frame.kind, frame.group)])


if __name__ == "__main__":
    main()
