"""Errors of a model on labelled frames, by kind: MODEL FRAMES...; a table in Markdown for docs/default-model.md."""

import argparse
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from ase import Atoms
from frames import labelled
from mlts_ase import MLTS

TOGETHER = 500


@dataclass
class Sums:
    frames: int = 0
    energies: list[float] = field(default_factory=list)  # meV/atom
    label: float = 0.0
    error: float = 0.0
    components: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("frames", nargs="+")
    arguments = parser.parse_args()
    kinds: dict[str, Sums] = defaultdict(Sums)
    with MLTS(model=arguments.model) as calc:
        frames = [frame for path in arguments.frames for frame in labelled(path)]
        for first in range(0, len(frames), TOGETHER):
            some = frames[first : first + TOGETHER]
            results = calc.calculate_many([Atoms(frame.numbers, frame.positions) for frame in some])
            for frame, result in zip(some, results, strict=True):
                assert frame.energy is not None
                assert frame.forces is not None
                sums = kinds[frame.kind]
                sums.frames += 1
                sums.energies.append(1e3 * (result["energy"] - frame.energy) / len(frame.numbers))
                sums.label += float((frame.forces**2).sum())
                sums.error += float(((result["forces"] - frame.forces) ** 2).sum())
                sums.components += frame.forces.size
    print("| frames of | number | RMS force of the labels, eV/Å | F RMSE, eV/Å | E RMSE, meV/atom |")
    print("|---|---|---|---|---|")
    for name, sums in kinds.items():
        label, error = (np.sqrt(square / sums.components) for square in (sums.label, sums.error))
        energy = np.sqrt(np.mean(np.square(sums.energies)))
        print(f"| {name} | {sums.frames} | {label:.2f} | {error:.3f} | {energy:.1f} |")


if __name__ == "__main__":
    main()
