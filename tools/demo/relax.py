"""Relax ethanol against the daemon of the demo and write the path: python relax.py ENDPOINT OUT.json"""

import json
import sys

import numpy as np
from ase.build import molecule
from ase.optimize import BFGS
from mlts_ase import MLTS

endpoint, out = sys.argv[1:]
atoms = molecule("CH3CH2OH")
atoms.rattle(0.1, seed=1)
steps: list[dict[str, float]] = []

with MLTS(endpoint, precision="double") as atoms.calc:
    optimiser = BFGS(atoms, logfile=None)

    def note() -> None:
        results = atoms.calc.results
        force = float(np.linalg.norm(results["forces"], axis=1).max())
        steps.append({"energy": results["energy"], "force": force, "sigma": results["max_sigma_force"]})

    optimiser.attach(note)
    optimiser.run(fmax=0.01, steps=200)

with open(out, "w") as file:
    json.dump({"steps": steps}, file)
