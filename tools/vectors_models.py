"""The models of the golden vectors: small, but of every shape that a card allows."""

from __future__ import annotations

from typing import Any

import numpy as np

Json = dict[str, Any]


def card(name: str, elements: list[str], members: int, layers: dict[str, list[int]], **rest: Any) -> Json:
    radial, angular = rest["radial"], rest["angular"]
    energies = dict(zip(elements, rest["self_energies"], strict=True))
    return {
        "format": 1,
        "name": name,
        "architecture": "ani",
        "elements": elements,
        "members": members,
        "units": rest.get("units", {"energy": "hartree", "length": "angstrom"}),
        "cutoff": radial["cutoff"],
        "reach": radial["cutoff"],
        "min_distance": rest.get("min_distance", 0.5),
        "descriptor": {"cutoff_function": rest.get("cutoff_function", "cosine"), "radial": radial, "angular": angular},
        "activation": {"name": "celu", "alpha": 0.1},
        "layers": layers,
        "self_energies": energies,
    }


def hipnn(name: str, energies: dict[str, float], members: int, blocks: int, atom_layers: int, **rest: Any) -> Json:
    return {
        "format": 1,
        "name": name,
        "architecture": "hipnn",
        "elements": list(energies),
        "members": members,
        "units": rest.get("units", {"energy": "eV", "length": "angstrom"}),
        "cutoff": rest["cutoff"],
        "reach": rest["cutoff"] * blocks,
        "min_distance": rest.get("min_distance", 0.5),
        "interaction": {"order": rest["order"], "sensitivities": rest["sensitivities"], "cusp": rest.get("cusp", 1e-6)},
        "features": rest["features"],
        "blocks": blocks,
        "atom_layers": atom_layers,
        "self_energies": energies,
    }


def even(first: float, last: float, count: int) -> list[float]:
    return [round(first + k * (last - first) / count, 7) for k in range(count)]


def sections(count: int) -> list[float]:
    return [round((z + 0.5) * float(np.pi) / count, 8) for z in range(count)]


def models() -> list[Json]:
    seven = ["H", "C", "N", "O", "S", "F", "Cl"]
    sizes = [48, 40, 24, 1]
    return [
        {
            "seed": 11,
            "card": card(
                "test-two",
                ["H", "O"],
                3,
                {"H": [17, 9, 1], "O": [11, 1]},
                radial={"cutoff": 4.6, "eta": 9.3, "shifts": even(0.7, 4.6, 7)},
                angular={
                    "cutoff": 3.1,
                    "eta": 6.1,
                    "zeta": 14.1,
                    "shifts": even(0.7, 3.1, 3),
                    "sections": sections(5),
                },
                self_energies=[-0.49, -0.71],
            ),
        },
        {
            "seed": 12,
            "card": card(
                "test-single",
                ["C"],
                1,
                {"C": [13, 1]},
                units={"energy": "kcal/mol", "length": "bohr"},
                min_distance=0.9,
                radial={"cutoff": 8.1, "eta": 2.2, "shifts": [1.1, 1.9, 2.2, 3.7, 5.05, 5.8]},
                angular={
                    "cutoff": 6.3,
                    "eta": 1.4,
                    "zeta": 8,
                    "shifts": [1.6, 2.9],
                    "sections": [0.2, 0.9, 1.3, 2.9],
                },
                self_energies=[-310.0],
            ),
        },
        {
            "seed": 13,
            "card": card(
                "test-smooth",
                ["O", "H", "C"],
                2,
                {"O": [19, 14, 7, 1], "H": [15, 1], "C": [1]},
                units={"energy": "eV", "length": "angstrom"},
                cutoff_function="smooth",
                radial={"cutoff": 5.0, "eta": 12.0, "shifts": even(0.8, 5.0, 9)},
                angular={
                    "cutoff": 3.6,
                    "eta": 7.0,
                    "zeta": 32,
                    "shifts": even(0.8, 3.6, 4),
                    "sections": sections(8),
                },
                self_energies=[-15.0, -13.0, -37.0],
            ),
        },
        {
            "seed": 14,
            "card": card(
                "test-seven",
                seven,
                8,
                dict.fromkeys(seven, sizes),
                radial={"cutoff": 5.1, "eta": 19.7, "shifts": even(0.8, 5.1, 16)},
                angular={
                    "cutoff": 3.5,
                    "eta": 12.5,
                    "zeta": 14.1,
                    "shifts": even(0.8, 3.5, 8),
                    "sections": sections(4),
                },
                self_energies=[-0.5, -1.4, -1.5, -1.6, -1.7, -1.8, -1.9],
            ),
        },
        {
            "seed": 15,
            "card": card(
                "test-al",
                ["Al"],
                8,
                {"Al": [33, 24, 16, 1]},
                radial={"cutoff": 7.0, "eta": 43.9, "shifts": even(1.25, 7.0, 32)},
                angular={
                    "cutoff": 5.0,
                    "eta": 6.5,
                    "zeta": 69.4,
                    "shifts": even(1.25, 5.0, 8),
                    "sections": sections(8),
                },
                self_energies=[-2.7],
            ),
        },
        {
            "seed": 16,
            "card": hipnn(
                "test-scalar",
                {"O": -2.1, "H": -0.6},
                2,
                2,
                2,
                order=0,
                sensitivities=4,
                features=5,
                cutoff=3.2,
                units={"energy": "hartree", "length": "angstrom"},
            ),
        },
        {
            "seed": 17,
            "card": hipnn(
                "test-vector",
                {"H": -310.0, "C": -900.0},
                1,
                1,
                3,
                order=1,
                sensitivities=3,
                features=2,
                cutoff=7.0,
                min_distance=0.9,
                units={"energy": "kcal/mol", "length": "bohr"},
            ),
        },
        {
            "seed": 18,
            "card": hipnn(
                "test-tensor", {"H": -13.0, "O": -2.0}, 3, 2, 1, order=2, sensitivities=4, features=6, cutoff=3.0
            ),
        },
    ]
