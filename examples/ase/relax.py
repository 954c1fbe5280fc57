"""Relax ethanol and look at how far the members of the ensemble agree on the result.

    python relax.py [ENDPOINT]

With an endpoint it talks to a running `mlts serve`, without one it starts a private server with the embedded model.
"""

import sys

import numpy as np
from ase.build import molecule
from ase.optimize import BFGS
from mlts_ase import MLTS

FMAX = 0.01  # eV/Å

ethanol = molecule("CH3CH2OH")
ethanol.rattle(0.05, seed=1)

with MLTS(*sys.argv[1:2], precision="double") as ethanol.calc:
    before = ethanol.get_potential_energy()
    BFGS(ethanol, logfile=None).run(fmax=FMAX, steps=200)
    results = ethanol.calc.results

lengths = {"C-C": ethanol.get_distance(0, 1), "C-O": ethanol.get_distance(1, 2), "O-H": ethanol.get_distance(2, 3)}
largest = np.linalg.norm(results["forces"], axis=1).max()

print(f"energy       {before:.4f} -> {results['energy']:.4f} eV, members disagree by {results['sigma_energy']:.4f} eV")
print(f"force        at most {largest:.4f} eV/Å, members disagree by at most {results['max_sigma_force']:.4f} eV/Å")
for bond, length in lengths.items():
    print(f"{bond:12} {length:.3f} Å")

# What must come out with any sound model of organic molecules.
assert largest < FMAX
assert results["energy"] < before - 0.05
assert 1.49 < lengths["C-C"] < 1.56
assert 1.38 < lengths["C-O"] < 1.46
assert 0.93 < lengths["O-H"] < 1.00
