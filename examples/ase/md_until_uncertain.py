"""Heat a molecule until the ensemble no longer agrees on the forces, and keep the frames it is unsure of.

    python md_until_uncertain.py [ENDPOINT] [THRESHOLD]

The uncertain frames go to uncertain.xyz, ready to be labelled with the reference method. THRESHOLD is in eV/Å.
"""

import sys

import numpy as np
from ase import units
from ase.build import molecule
from ase.io import read, write
from ase.md.langevin import Langevin
from mlts_ase import MLTS

endpoint = sys.argv[1] if len(sys.argv) > 1 else None
threshold = float(sys.argv[2]) if len(sys.argv) > 2 else 0.6
RAMP = (300, 3000)  # K
STEPS = 2000
KEEP = 5  # frames above the threshold before the run ends

atoms = molecule("CH3CH2OH")
uncertain = []

with MLTS(endpoint) as atoms.calc:
    rng = np.random.default_rng(1)
    dynamics = Langevin(atoms, 0.5 * units.fs, temperature_K=RAMP[0], friction=0.05 / units.fs, fixcm=False, rng=rng)
    for step, _ in enumerate(dynamics.irun(STEPS)):
        dynamics.set_temperature(temperature_K=RAMP[0] + (RAMP[1] - RAMP[0]) * step / STEPS)
        sigma = atoms.calc.results["max_sigma_force"]
        if step % 100 == 0:
            print(f"{step * 0.5:6.0f} fs  {atoms.get_temperature():5.0f} K  max σ_F {sigma:.3f} eV/Å")
        if sigma > threshold:
            frame = atoms.copy()
            frame.info.update(time_fs=0.5 * step, max_sigma_force=sigma)
            frame.arrays["sigma_force"] = atoms.calc.results["sigma_forces"].copy()
            uncertain.append(frame)
            if len(uncertain) == KEEP:
                break

write("uncertain.xyz", uncertain)
assert len(uncertain) == KEEP, "the ensemble stayed sure of itself: heat more, or lower the threshold"
print(f"{KEEP} frames above {threshold} eV/Å, the first at {uncertain[0].info['time_fs']:.0f} fs")

for frame in read("uncertain.xyz", ":"):
    assert frame.info["max_sigma_force"] > threshold
    assert np.isclose(frame.arrays["sigma_force"].max(), frame.info["max_sigma_force"], atol=1e-6)
