"""Golden values for the default model: the energies of each member for a few structures, from the `.mlts` file alone,
in double precision and straight from the equations (an implementation apart from the training kernels)."""

import argparse
import hashlib
import json
from itertools import combinations
from typing import Any

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list
from numpy.typing import NDArray
from safetensors import safe_open
from structures import Structure, cluster, molecule

Floats = NDArray[np.float64]


def cutoff(r: Floats, limit: float) -> Floats:
    return np.where(r < limit, 0.5 * np.cos(np.pi * r / limit) + 0.5, 0.0)


def describe_atom(vectors: Floats, elements: NDArray[np.int64], count: int, parameters: Any) -> Floats:
    """G of one atom from its neighbours' vectors [p,3] Å and elements [p]."""
    radial, angular = parameters["radial"], parameters["angular"]
    shifts, sections = np.array(angular["shifts"]), np.array(angular["sections"])
    r = np.linalg.norm(vectors, axis=1)
    terms = np.exp(-radial["eta"] * (r[:, None] - np.array(radial["shifts"])) ** 2)
    out = np.zeros((count, len(radial["shifts"])))
    np.add.at(out, elements, 0.25 * terms * cutoff(r, radial["cutoff"])[:, None])
    pairs = list(combinations(range(count), 2)) + [(s, s) for s in range(count)]
    position = {pair: number for number, pair in enumerate(sorted(pairs))}
    blocks = np.zeros((len(pairs), len(shifts), len(sections)))
    near = np.flatnonzero(r < angular["cutoff"])
    for j, k in combinations(near, 2):
        theta = np.arccos(0.95 * vectors[j] @ vectors[k] / (r[j] * r[k]))
        turned = ((1 + np.cos(theta - sections)) / 2) ** angular["zeta"]
        away = np.exp(-angular["eta"] * ((r[j] + r[k]) / 2 - shifts) ** 2)
        both = cutoff(r[[j, k]], angular["cutoff"]).prod()
        s, t = sorted((int(elements[j]), int(elements[k])))
        blocks[position[s, t]] += 2 * both * np.outer(away, turned)
    return np.concatenate([out.ravel(), blocks.ravel()])


def energies(path: str, s: Structure, cell: Floats | None) -> Floats:
    """[members] in eV."""
    with safe_open(path, "numpy") as file:
        card = json.loads(file.metadata()["mlts"])
        tensors = {name: file.get_tensor(name).astype(float) for name in file.keys()}  # noqa: SIM118 (no mapping)
    symbols, alpha = card["elements"], card["activation"]["alpha"]
    atoms = Atoms(s.numbers, s.positions, cell=cell, pbc=cell is not None)
    centre, other, vectors = neighbor_list("ijD", atoms, card["cutoff"])
    species = np.array([symbols.index(symbol) for symbol in atoms.get_chemical_symbols()])
    total = np.zeros(card["members"])
    for i, symbol in enumerate(atoms.get_chemical_symbols()):
        own = centre == i
        G = describe_atom(vectors[own], species[other[own]], len(symbols), card["descriptor"])
        depth = len(card["layers"][symbol])
        h = np.tile(G, (card["members"], 1))
        for layer in range(depth):
            z = np.einsum("moi,mi->mo", tensors[f"{symbol}.{layer}.weight"], h) + tensors[f"{symbol}.{layer}.bias"]
            h = z if layer == depth - 1 else np.maximum(z, 0) + np.minimum(alpha * np.expm1(z / alpha), 0)
        total += h[:, 0] + card["self_energies"][symbol]
    return total


def cases() -> list[tuple[str, Structure, Floats | None]]:
    rng = np.random.default_rng(7)
    waters = cluster(rng, 8, 1.0)
    triclinic = np.array([[7.1, 0.0, 0.0], [0.9, 6.8, 0.0], [-0.7, 0.5, 7.4]])
    return [
        ("water", molecule(rng, "O"), None),
        ("ethanol", molecule(rng, "CCO"), None),
        ("four molecules", cluster(rng, 4, 0.5), None),
        ("cytosine", molecule(rng, "Nc1cc[nH]c(=O)n1"), None),
        ("carbon monoxide", molecule(rng, "[C-]#[O+]"), None),
        ("waters in a triclinic cell", waters, triclinic),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a .mlts file")
    parser.add_argument("--out", required=True, help="the golden values, .json")
    arguments = parser.parse_args()
    with open(arguments.model, "rb") as model:
        sha256 = hashlib.sha256(model.read()).hexdigest()
    golden = []
    for name, s, cell in cases():
        s.positions = s.positions.round(6)
        golden.append(
            {
                "name": name,
                "numbers": s.numbers.tolist(),
                "positions": s.positions.tolist(),
                "cell": None if cell is None else cell.tolist(),
                "member_energies": energies(arguments.model, s, cell).tolist(),
            }
        )
    units = {"length": "angstrom", "energy": "eV"}
    with open(arguments.out, "w") as file:
        json.dump({"schema": 1, "sha256": sha256, "units": units, "cases": golden}, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
