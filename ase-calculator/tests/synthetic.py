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
    tensors: dict[str, np.ndarray[Any, Any]] = {}
    for element in ELEMENTS:
        inputs = columns
        for layer, outputs in enumerate(LAYERS):
            tensors[f"{element}.{layer}.weight"] = rng.normal(0, 1.5 / math.sqrt(inputs), (MEMBERS, outputs, inputs))
            tensors[f"{element}.{layer}.bias"] = rng.normal(0, 0.1, (MEMBERS, outputs))
            inputs = outputs
    return write_file(path, card, tensors)


def write_hipnn(path: Path, order: int = 1, seed: int = 2) -> Path:
    """The same of HIP-NN: two interactions of 3 Å, so that ghosts of a domain must reach 6 Å."""
    features, sensitivities = 8, 5
    card = {
        "format": 1,
        "name": path.stem,
        "architecture": "hipnn",
        "elements": list(ELEMENTS),
        "members": MEMBERS,
        "units": {"energy": "eV", "length": "angstrom"},
        "cutoff": 3.0,
        "reach": 6.0,
        "min_distance": 0.4,
        "interaction": {"order": order, "sensitivities": sensitivities, "cusp": 1e-6},
        "features": features,
        "blocks": 2,
        "atom_layers": 1,
        "self_energies": {"H": -13.0, "C": -1035.0, "N": -1488.0, "O": -2045.0},
    }
    rng = np.random.default_rng(seed)
    tensors: dict[str, np.ndarray[Any, Any]] = {}

    def affine(name: str, inputs: int) -> None:
        tensors[f"{name}.weight"] = rng.normal(0, 1 / math.sqrt(inputs), (MEMBERS, features, inputs))
        tensors[f"{name}.bias"] = rng.normal(0, 0.1, (MEMBERS, features))

    for b, inputs in enumerate((len(ELEMENTS), features)):
        tensors[f"{b}.mu"] = 1 / np.linspace(1 / 2.7, 1 / 0.8, sensitivities) * np.ones((MEMBERS, 1))
        tensors[f"{b}.sigma"] = np.full((MEMBERS, sensitivities), 4.0)
        scale = 0.5 / math.sqrt(inputs * sensitivities)
        tensors[f"{b}.interaction"] = rng.normal(0, scale, (MEMBERS, sensitivities, features, inputs))
        if order >= 1:
            tensors[f"{b}.vector_scales"] = rng.normal(0, 0.5, (MEMBERS, features))
        if order == 2:
            tensors[f"{b}.quadratic_scales"] = rng.normal(0, 0.5, (MEMBERS, features))
        tensors[f"{b}.adjust"] = rng.normal(0, 0.5, (MEMBERS, features, inputs))
        affine(f"{b}.self", inputs)
        for name in (f"{b}.residual", f"{b}.atom.0", f"{b}.atom.0.residual"):
            affine(name, features)
        tensors[f"{b}.head.weight"] = rng.normal(0, 0.1, (MEMBERS, features))
        tensors[f"{b}.head.bias"] = rng.normal(0, 0.1, MEMBERS)
    del tensors["1.adjust"]  # equal widths: the identity
    return write_file(path, card, tensors)


def write_file(path: Path, card: dict[str, Any], tensors: dict[str, np.ndarray[Any, Any]]) -> Path:
    header: dict[str, Any] = {"__metadata__": {"mlts": json.dumps(card, sort_keys=True)}}
    data = b""
    for name, values in tensors.items():
        tensor = values.astype("<f4").tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": list(values.shape),
            "data_offsets": [len(data), len(data) + len(tensor)],
        }
        data += tensor
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path
