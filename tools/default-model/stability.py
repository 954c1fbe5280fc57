"""Runs the ensemble as users will: liquid water (NVT, then NVE) and ethanol (NVE); prints drift and structure."""

import argparse

import numpy as np
from ensemble import Ensemble
from explore import molecules_of
from labels import ACCELERATION, BOLTZMANN, MASSES
from structures import Floats, Ints, molecule, rotation

WATERS = 64
SIDE = (WATERS * 18.015 * 1.66053907 / 0.997) ** (1 / 3)  # Å, 0.997 g/cm³


class Run:
    """Velocity Verlet with an optional Langevin thermostat (BAOAB)."""

    def __init__(
        self, ensemble: Ensemble, numbers: Ints, positions: Floats, cell: Floats | None, kelvin: float
    ) -> None:
        self.ensemble, self.numbers, self.positions, self.cell = ensemble, numbers, positions, cell
        self.rng = np.random.default_rng(3)
        self.mass = MASSES[numbers][:, None]
        self.spread = np.sqrt(BOLTZMANN * kelvin * ACCELERATION / self.mass)
        self.velocities = self.spread * self.rng.normal(size=positions.shape)
        self.velocities -= (self.mass * self.velocities).sum(0) / self.mass.sum()
        self.evaluate()

    def evaluate(self) -> None:
        energies, forces = self.ensemble.evaluate([(self.numbers, self.positions, self.cell)])[0]
        self.potential = float(energies.mean())
        self.forces = forces.mean(2)
        self.sigma = float(np.sqrt(forces.var(2, ddof=1).sum(1)).max())

    def step(self, dt: float, friction: float) -> None:
        self.velocities += 0.5 * dt * ACCELERATION * self.forces / self.mass
        self.positions = self.positions + 0.5 * dt * self.velocities
        if friction > 0.0:
            keep = np.exp(-friction * dt)
            noise = self.spread * self.rng.normal(size=self.positions.shape)
            self.velocities = keep * self.velocities + np.sqrt(1.0 - keep * keep) * noise
        self.positions = self.positions + 0.5 * dt * self.velocities
        self.evaluate()
        self.velocities += 0.5 * dt * ACCELERATION * self.forces / self.mass

    @property
    def kinetic(self) -> float:
        return float(0.5 * (self.mass * self.velocities**2).sum() / ACCELERATION)

    @property
    def kelvin(self) -> float:
        return 2.0 * self.kinetic / (3 * len(self.numbers) * BOLTZMANN)

    def go(self, name: str, picoseconds: float, dt: float, friction: float = 0.0) -> list[Floats]:
        """Runs, prints a line, returns the positions at every 50 fs."""
        began = self.potential + self.kinetic
        kelvin, sigma, frames = [], [], []
        for step in range(1, round(1e3 * picoseconds / dt) + 1):
            self.step(dt, friction)
            kelvin.append(self.kelvin)
            sigma.append(self.sigma)
            if step % round(50.0 / dt) == 0:
                frames.append(self.positions)
        drift = (self.potential + self.kinetic - began) / len(self.numbers) / picoseconds
        conserved = f", drift {drift:+.1e} eV/atom/ps" if friction == 0.0 else ""
        half = len(kelvin) // 2
        print(
            f"{name}: {picoseconds} ps, {np.mean(kelvin[half:]):.0f} K (at most {max(kelvin):.0f})"
            f", largest σ_F {max(sigma):.2f} eV/Å, median {np.median(sigma):.2f}{conserved}",
            flush=True,
        )
        return frames


def water_box() -> tuple[Ints, Floats, Floats]:
    rng = np.random.default_rng(1)
    one = molecule(rng, "O")
    places = np.array(list(np.ndindex(4, 4, 4))) * SIDE / 4
    positions = np.vstack([one.positions @ rotation(rng).T + place for place in places])
    return np.tile(one.numbers, WATERS), positions, SIDE * np.eye(3)


def oxygen_peak(frames: list[Floats], oxygens: Ints) -> tuple[float, float]:
    """Place (Å) and height of the first peak of g_OO."""
    edges = np.arange(2.0, SIDE / 2, 0.1)
    counts = np.zeros(len(edges) - 1)
    for positions in frames:
        vectors = positions[oxygens][None] - positions[oxygens][:, None]
        vectors -= SIDE * np.round(vectors / SIDE)
        counts += np.histogram(np.linalg.norm(vectors[np.triu_indices(WATERS, 1)], axis=1), edges)[0]
    shells = 4.0 / 3.0 * np.pi * np.diff(edges**3)
    g = counts / len(frames) / (0.5 * WATERS * (WATERS - 1) * shells / SIDE**3)
    top = int(np.argmax(g[: int(1.5 / 0.1)]))
    return float(edges[top] + 0.05), float(g[top])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ensemble", required=True)
    parser.add_argument("--picoseconds", type=float, default=5.0)
    arguments = parser.parse_args()
    ensemble = Ensemble.open(arguments.ensemble)
    ethanol = molecule(np.random.default_rng(5), "CCO")
    Run(ensemble, ethanol.numbers, ethanol.positions, None, 600.0).go("ethanol, NVE", arguments.picoseconds, 0.5)
    numbers, positions, cell = water_box()
    liquid = Run(ensemble, numbers, positions, cell, 300.0)
    liquid.go("water, NVT", arguments.picoseconds, 0.5, friction=0.01)
    frames = liquid.go("water, NVE", arguments.picoseconds, 0.5)
    whole = len(molecules_of(numbers, liquid.positions, cell))
    place, height = oxygen_peak(frames, np.flatnonzero(numbers == 8))
    print(f"water: {whole} of {WATERS} molecules; first O–O peak at {place:.2f} Å, {height:.1f}")


if __name__ == "__main__":
    main()
