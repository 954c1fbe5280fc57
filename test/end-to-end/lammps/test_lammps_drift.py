"""Energy is conserved: the forces that two ranks get in single precision are the gradient of one energy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from decks import DEFAULT_MODEL, header, run, serve, water

# Verlet's own error is a fluctuation that shrinks with the square of the step: at 0.125 fs it hides no drift of 1e-5.
TIMESTEP = 0.000125  # ps
STEPS = 6000


def test_drift_on_two_ranks_in_single_precision(tmp_path: Path) -> None:
    water(tmp_path / "water.data")
    body = f"""
minimize 0 1e-2 100 300
velocity all create 300 4711 loop geom
fix 1 all nve
timestep {TIMESTEP}
run 1000
reset_timestep 0
thermo 10
thermo_style custom step temp etotal
thermo_modify format float %.15g
run {STEPS}
"""
    with serve(DEFAULT_MODEL) as server:
        done = run(header(server.endpoint, "precision single") + body, tmp_path, 2, timeout=600)
    thermo = done.thermo[-1]
    assert thermo["Step"][-1] == STEPS
    assert thermo["Temp"].mean() > 100
    energy = thermo["TotEng"] / 81
    drift = np.polyfit(thermo["Step"] * TIMESTEP, energy, 1)[0]
    assert abs(drift) <= 1e-5, f"{drift:.2e} eV/atom/ps"
    assert energy.std() < 2e-5
