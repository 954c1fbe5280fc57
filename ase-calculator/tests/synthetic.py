"""A small ensemble with random weights, written from docs/model-format.md alone."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

ELEMENTS = ("H", "C", "N", "O")
MEMBERS = 3
LAYERS = (16, 8, 1)


def shifts(first: float, cutoff: float, count: int) -> list[float]:
    return [first + k * (cutoff - first) / count for k in range(count)]


def write_model(path: Path, seed: int = 1) -> Path:
    """Write a model for H C N O: cut-offs 4.5 and 3.2 Å, energies of order 1 eV."""
    descriptor: dict[str, Any] = {
        "cutoff_function": "cosine",
        "radial": {"cutoff": 4.5, "eta": 8.0, "shifts": shifts(0.7, 4.5, 8)},
        "angular": {
            "cutoff": 3.2,
            "eta": 6.0,
            "zeta": 14.1,
            "shifts": shifts(0.7, 3.2, 3),
            "sections": [(z + 0.5) * math.pi / 4 for z in range(4)],
        },
    }
    pairs = len(ELEMENTS) * (len(ELEMENTS) + 1) // 2
    columns = len(ELEMENTS) * 8 + pairs * 3 * 4
    card = {
        "format": 1,
        "name": path.stem,
        "architecture": "ani",
        "elements": list(ELEMENTS),
        "members": MEMBERS,
        "units": {"energy": "eV", "length": "angstrom"},
        "cutoff": 4.5,
        "reach": 4.5,
        "min_distance": 0.4,
        "descriptor": descriptor,
        "activation": {"name": "celu", "alpha": 0.1},
        "layers": {element: list(LAYERS) for element in ELEMENTS},
        "self_energies": {"H": -13.0, "C": -1035.0, "N": -1488.0, "O": -2045.0},
    }
    rng = np.random.default_rng(seed)
    header: dict[str, Any] = {"__metadata__": {"mlts": json.dumps(card, sort_keys=True)}}
    data = b""
    for element in ELEMENTS:
        inputs = columns
        for layer, outputs in enumerate(LAYERS):
            weight = rng.normal(0, 1.5 / math.sqrt(inputs), (MEMBERS, outputs, inputs))
            bias = rng.normal(0, 0.1, (MEMBERS, outputs))
            for kind, values in (("weight", weight), ("bias", bias)):
                tensor = values.astype("<f4").tobytes()
                header[f"{element}.{layer}.{kind}"] = {
                    "dtype": "F32",
                    "shape": list(values.shape),
                    "data_offsets": [len(data), len(data) + len(tensor)],
                }
                data += tensor
            inputs = outputs
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path
