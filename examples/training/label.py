"""Writes frames.extxyz: small molecules of H, C and O and a pair of waters in Langevin dynamics at up to 600 K on
GFN2-xTB (doi:10.1021/acs.jctc.8b01176), by the sampler of the default model. Needs what its requirements.txt lists.

    python examples/training/label.py
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "tools" / "default-model"))

import numpy as np  # noqa: E402
from ase import Atoms  # noqa: E402
from ase.calculators.singlepoint import SinglePointCalculator  # noqa: E402
from ase.io import write  # noqa: E402
from labels import trajectory  # noqa: E402
from structures import approach, molecule  # noqa: E402

SMILES = ["O", "C", "CO", "C=O", "CCO", "O.O"]
TRAJECTORIES, STEPS, EVERY = 4, 300, 20


def main() -> None:
    images = []
    for number, smiles in enumerate(SMILES):
        for repeat in range(TRAJECTORIES):
            rng = np.random.default_rng([5, number, repeat])
            start = molecule(rng, smiles.split(".")[0])
            if "." in smiles:
                start = approach(rng, start, molecule(rng, "O"), 0.8)
            for frame in trajectory(rng, start, smiles, TRAJECTORIES * number + repeat, STEPS, EVERY, 600.0):
                atoms = Atoms(frame.numbers, frame.positions.round(5))
                labels = {"energy": round(frame.energy, 6), "forces": frame.forces.round(5)}
                atoms.calc = SinglePointCalculator(atoms, **labels)
                atoms.info["group"] = frame.group
                images.append(atoms)
    write(HERE / "frames.extxyz", images)
    print(len(images), "frames")


if __name__ == "__main__":
    main()
