#!/usr/bin/env python3
"""Golden vectors of the potential: writes all of test/vectors/potential; given a folder that holds ani-al.mlts and
ani-1xnr.mlts (`mlts model import`) also test/vectors/published.

    .venv/bin/python tools/vectors.py [FOLDER]
"""

from __future__ import annotations

import hashlib
import itertools
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from vectors_ani import Array, Json, Model, drawn, evaluate, read
from vectors_hipnn import Hipnn
from vectors_hipnn import drawn as hipnn_drawn
from vectors_models import models

HERE = Path(__file__).resolve().parent
OUT = HERE.parent / "test" / "vectors"
SOURCES = ["vectors.py", "vectors_ani.py", "vectors_hipnn.py", "vectors_models.py"]


def scatter(seed: int, numbers: list[int], cell: Array, pbc: list[bool], apart: float) -> Json:
    """Atoms at random in a cell, no two nearer than `apart`."""
    random = np.random.default_rng(seed)
    placed: list[Array] = []
    shifts = [np.array(s) @ cell for s in itertools.product(*((-1, 0, 1) if p else (0,) for p in pbc))]
    while len(placed) < len(numbers):
        R = np.round(random.random(3) @ cell, 5)
        if all(np.linalg.norm(R + shift - other) > apart for other in placed for shift in shifts):
            placed.append(R)
    system: Json = {"numbers": numbers, "positions": np.array(placed).ravel().tolist()}
    if any(pbc):
        system |= {"cell": np.asarray(cell, float).ravel().tolist(), "pbc": pbc}
    return system


def cases() -> list[tuple[str, str, str, Json]]:
    water = [8, 1, 1] * 4
    triclinic = np.array([[6.1, 0, 0], [1.3, 5.7, 0], [-0.9, 1.1, 5.4]])
    fcc = np.array([0, 0, 0, 0, 2.03, 2.03, 2.03, 0, 2.03, 2.03, 2.03, 0])
    rattle = np.round(0.12 * np.random.default_rng(5).standard_normal(12), 5)
    gas = scatter(2, water, 4.2 * np.eye(3), [False] * 3, 0.9)
    domain = {**scatter(8, [8, 1, 1, 1, 8, 1, 8, 1, 1], 3.6 * np.eye(3), [False] * 3, 0.85), "owned": 3}
    slab = scatter(7, [6] * 6, np.array([[3.9, 0, 0], [1.7, 3.6, 0], [2.0, 1.5, 5.0]]), [True, True, False], 1.15)
    crystal: Json = {"numbers": [13] * 4, "positions": (fcc + rattle).tolist()}
    crystal |= {"cell": (4.06 * np.eye(3)).ravel().tolist(), "pbc": [True] * 3}
    outside = scatter(3, water, triclinic, [True] * 3, 0.95)
    positions: Array = np.array(outside["positions"]).reshape(-1, 3)
    turns = np.array([[i % 3 - 1, i % 5 - 2, 3 * (i % 2)] for i in range(12)])
    outside["positions"] = np.round(positions + turns @ triclinic, 5).ravel().tolist()
    hydride = scatter(30, [1, 8, 1] * 3, 4.0 * np.eye(3), [False] * 3, 0.9)
    return [
        ("two-gas", "test-two", "12 atoms without a cell", gas),
        ("two-atom", "test-two", "one isolated atom", {"numbers": [8], "positions": [0.3, -1.7, 2.9]}),
        ("two-triclinic", "test-two", "triclinic cell, atoms outside of it", outside),
        (
            "two-small",
            "test-two",
            "a skewed cell smaller than the cutoff: atoms see themselves",
            scatter(4, [8, 1, 1], np.array([[2.9, 0, 0], [1.4, 2.6, 0], [-0.8, 0.9, 2.4]]), [True] * 3, 0.95),
        ),
        (
            "two-wire",
            "test-two",
            "periodic along the second vector only",
            scatter(
                6, [1, 8, 1, 8], np.array([[5.0, 0, 0], [0.7, 3.3, 0.4], [0, 0.5, 5.0]]), [False, True, False], 1.0
            ),
        ),
        ("two-domain", "test-two", "3 owned atoms, 6 ghosts", domain),
        ("single-slab", "test-single", "one member, bohr and kcal/mol, periodic along two vectors", slab),
        (
            "smooth-gas",
            "test-smooth",
            "smooth cutoff, networks of one to four layers",
            scatter(9, [6, 1, 8, 1, 6, 1, 8, 1, 1, 6], 4.0 * np.eye(3), [False] * 3, 0.95),
        ),
        (
            "seven-gas",
            "test-seven",
            "hyper-parameters of ANI-2x, all its elements",
            scatter(10, [1, 6, 7, 8, 16, 9, 17, 1, 6, 1, 8, 1], 5.2 * np.eye(3), [False] * 3, 1.0),
        ),
        ("al-crystal", "test-al", "hyper-parameters of ANI-Al, rattled fcc, cell smaller than the cutoff", crystal),
        ("scalar-gas", "test-scalar", "HIP-NN of order 0, two interactions, 9 atoms without a cell", hydride),
        (
            "vector-slab",
            "test-vector",
            "HIP-NN-TS of order 1, one member, as many features as elements, bohr and kcal/mol",
            scatter(
                31, [6, 1, 6, 1], np.array([[3.9, 0, 0], [1.2, 3.6, 0], [1.0, 0.5, 5.0]]), [True, True, False], 1.0
            ),
        ),
        ("tensor-gas", "test-tensor", "HIP-NN-TS of order 2, two interactions", {**hydride, "numbers": [8, 1, 1] * 3}),
        (
            "tensor-small",
            "test-tensor",
            "a skewed cell smaller than the cutoff: messages go through images",
            scatter(4, [8, 1, 1], np.array([[2.9, 0, 0], [1.4, 2.6, 0], [-0.8, 0.9, 2.4]]), [True] * 3, 0.95),
        ),
        ("tensor-domain", "test-tensor", "3 owned atoms, ghosts that have neighbours of their own", domain),
    ]


def text(value: Any, indent: int = 0) -> str:
    """JSON with one line an entry and arrays flat."""
    if isinstance(value, np.ndarray):
        return json.dumps([float(x) for x in value.ravel()])
    if isinstance(value, dict) and indent < 2:
        pad = "  " * (indent + 1)
        lines = ",\n".join(f"{pad}{json.dumps(key)}: {text(item, indent + 1)}" for key, item in value.items())
        return "{\n" + lines + "\n" + "  " * indent + "}"
    return json.dumps(value, ensure_ascii=False)


def published() -> list[tuple[str, str, str, Json]]:
    liquid = scatter(20, [13] * 5, np.array([[5.1, 0, 0], [0.8, 4.6, 0], [-0.6, 0.4, 4.4]]), [True] * 3, 2.2)
    mixture = scatter(21, [1, 6, 7, 8, 1, 8, 1, 6, 1, 7], np.diag([5.3, 5.6, 5.9]), [True] * 3, 1.0)
    return [
        ("ani-al-liquid", "ani-al", "5 atoms in a triclinic cell smaller than the cutoff", liquid),
        ("ani-1xnr-mixture", "ani-1xnr", "10 atoms in an orthorhombic cell", mixture),
    ]


def write(folder: str, made_by: str, name: str, what: str, model: Model | Hipnn, system: Json) -> None:
    vector: Json = {
        "schema": 1,
        "name": name,
        "what": what,
        "madeBy": made_by,
        "units": {"length": "angstrom", "energy": "eV"},
        "model": model.card["name"],
        "input": system,
        "expected": model.evaluate(system) if isinstance(model, Hipnn) else evaluate(model, system),
    }
    (OUT / folder / f"{name}.json").write_text(text(vector) + "\n")
    print(name, vector["expected"]["energy"])


def main() -> None:
    version = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in SOURCES)).hexdigest()[:12]
    made_by = f"tools/vectors.py@{version}"
    for folder in ("potential", "published"):
        (OUT / folder).mkdir(parents=True, exist_ok=True)
    specs = models()
    lines = ",\n".join(json.dumps(spec) for spec in specs)
    (OUT / "potential" / "models.json").write_text(f'{{"schema": 1, "madeBy": "{made_by}", "models": [\n{lines}\n]}}\n')
    made: dict[str, Model | Hipnn] = {}
    for spec in specs:
        hipnn = spec["card"]["architecture"] == "hipnn"
        made[spec["card"]["name"]] = (
            Hipnn(spec["card"], hipnn_drawn(**spec)) if hipnn else Model(spec["card"], drawn(**spec))
        )
    for name, model, what, system in cases():
        write("potential", made_by, name, what, made[model], system)
    if len(sys.argv) > 1:
        for name, model, what, system in published():
            write("published", made_by, name, what, Model(*read(Path(sys.argv[1]) / f"{model}.mlts")), system)


if __name__ == "__main__":
    main()
