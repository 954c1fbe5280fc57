"""docs/maths.md in numpy, sharing nothing with src/engine or native: images by brute force, derivatives by the complex
step (f'(x) = Im f(x + ih)/h, exact to rounding, no derivative written by hand).
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Json = dict[str, Any]

HARTREE, BOHR, KCAL_PER_MOL = 27.211386245988, 0.529177210903, 4184 / (6.02214076e23 * 1.602176634e-19)
ENERGY = {"eV": 1.0, "hartree": HARTREE, "kcal/mol": KCAL_PER_MOL}
LENGTH = {"angstrom": 1.0, "bohr": BOHR}
SYMBOL = {1: "H", 6: "C", 7: "N", 8: "O", 9: "F", 13: "Al", 16: "S", 17: "Cl"}
STEP = 1e-30


def mixed(index: Array) -> Array:
    """Murmur3's finaliser on 32-bit integers."""
    x = index & 0xFFFFFFFF
    x ^= x >> 16
    x = x * 0x85EBCA6B & 0xFFFFFFFF
    x ^= x >> 13
    x = x * 0xC2B2AE35 & 0xFFFFFFFF
    return np.asarray(x ^ (x >> 16))


Tensors = dict[str, Array]


def drawn(seed: int, card: Json) -> Tensors:
    """Weights u·√(3/inputs) and biases u/10, u = 2·hash/2³² − 1: test/support/models.ts draws the same."""
    tensors: Tensors = {}
    for element in card["elements"]:
        inputs = columns(card)
        for layer, outputs in enumerate(card["layers"][element]):
            shapes = {"weight": (card["members"], outputs, inputs), "bias": (card["members"], outputs)}
            for kind, shape in shapes.items():
                index = np.arange(int(np.prod(shape)), dtype=np.uint64)
                start = (seed * 0x9E3779B1 + len(tensors) * 0x85EBCA77) & 0xFFFFFFFF
                u = 2 * mixed(index + np.uint64(start)) / 2.0**32 - 1
                scale = float(np.sqrt(3 / inputs)) if kind == "weight" else 0.1
                tensors[f"{element}.{layer}.{kind}"] = (u * scale).astype(np.float32).astype(float).reshape(shape)
            inputs = outputs
    return tensors


def read(file: Path) -> tuple[Json, Tensors]:
    """Card and tensors of a .mlts file (docs/model-format.md)."""
    content = file.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    card = json.loads(header.pop("__metadata__")["mlts"])
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        data = np.frombuffer(content[start + begin : start + end], "<f4")
        tensors[name] = data.reshape(entry["shape"]).astype(float)
    return card, tensors


def columns(card: Json) -> int:
    radial, angular = card["descriptor"]["radial"], card["descriptor"]["angular"]
    species = len(card["elements"])
    pairs = species * (species + 1) // 2
    return species * len(radial["shifts"]) + pairs * len(angular["shifts"]) * len(angular["sections"])


class Model:
    """A card and its tensors."""

    def __init__(self, card: Json, tensors: Tensors) -> None:
        self.card = card
        self.energy, length = ENERGY[card["units"]["energy"]], LENGTH[card["units"]["length"]]
        radial, angular = card["descriptor"]["radial"], card["descriptor"]["angular"]
        self.rcr, self.rca = radial["cutoff"] * length, angular["cutoff"] * length
        self.eta_r, self.eta_a = radial["eta"] / length**2, angular["eta"] / length**2
        self.zeta = angular["zeta"]
        self.shf_r, self.shf_a = np.array(radial["shifts"]) * length, np.array(angular["shifts"]) * length
        self.shf_z = np.array(angular["sections"])
        self.elements: list[str] = card["elements"]
        self.length = columns(card)
        self.layers = [
            [
                (tensors[f"{element}.{k}.weight"], tensors[f"{element}.{k}.bias"])
                for k in range(len(card["layers"][element]))
            ]
            for element in self.elements
        ]

    def cutoff(self, r: Array, rc: float) -> Array:
        if self.card["descriptor"]["cutoff_function"] == "cosine":
            return 0.5 * np.cos(np.pi * r / rc) + 0.5
        return np.exp(1 - 1 / (1 - (r / rc) ** 2))

    def descriptor(self, D: Array, neighbours: Array) -> Array:
        """G [P,L] of one centre for P versions of its neighbour vectors D [P,n,3]."""
        P, n = D.shape[:2]
        r = np.sqrt((D * D).sum(-1))
        G = np.zeros((P, self.length), complex)
        n_r, block = len(self.shf_r), len(self.shf_a) * len(self.shf_z)
        f = self.cutoff(r, self.rcr)
        radial = 0.25 * np.exp(-self.eta_r * (r[..., None] - self.shf_r) ** 2) * f[..., None]
        for j in range(n):
            G[:, neighbours[j] * n_r : (neighbours[j] + 1) * n_r] += radial[:, j]
        near = [j for j in range(n) if r[0, j].real <= self.rca]
        species = len(self.elements)
        for u, v in itertools.combinations(near, 2):
            x = 0.95 * (D[:, u] * D[:, v]).sum(-1) / (r[:, u] * r[:, v])
            # cos(θ − Z) by the addition theorem, so that no arccos is needed
            angle = x[:, None] * np.cos(self.shf_z) + np.sqrt(1 - x * x)[:, None] * np.sin(self.shf_z)
            f1 = ((1 + angle) / 2) ** self.zeta
            f2 = np.exp(-self.eta_a * ((r[:, u] + r[:, v])[:, None] / 2 - self.shf_a) ** 2)
            f_uv = self.cutoff(r[:, u], self.rca) * self.cutoff(r[:, v], self.rca)
            a, b = sorted((neighbours[u], neighbours[v]))
            pair = sum(species - k for k in range(a)) + b - a
            first = species * n_r + pair * block
            term = 2 * f_uv[:, None, None] * f2[:, :, None] * f1[:, None, :]
            G[:, first : first + block] += term.reshape(P, block)
        return G

    def member_energies(self, element: int, D: Array, neighbours: Array) -> Array:
        """ε [P,members] in eV, self energy included."""
        h = self.descriptor(D, neighbours)[:, None, :]
        stack = self.layers[element]
        for depth, (weight, bias) in enumerate(stack):
            h = np.einsum("moi,pmi->pmo", weight, np.broadcast_to(h, (h.shape[0], weight.shape[0], h.shape[2]))) + bias
            if depth < len(stack) - 1:
                alpha = self.card["activation"]["alpha"]
                h = np.where(h.real > 0, h, alpha * np.expm1(h / alpha))
        energies: Array = h[:, :, 0] + self.card["self_energies"][self.elements[element]]
        return energies * self.energy


def neighbour_vectors(system: Json, rc: float, centre: int) -> tuple[Array, list[int]]:
    """All D with |D| ≤ rc and the atom at the end of each: every image within reach, one by one."""
    positions = np.array(system["positions"]).reshape(-1, 3)
    pbc = system.get("pbc", [False] * 3)
    vectors = np.array(system["cell"]).reshape(3, 3)[np.array(pbc)] if any(pbc) else np.zeros((0, 3))
    fractions = np.linalg.pinv(vectors)
    positions = positions - np.floor(positions @ fractions) @ vectors
    counts = [int(np.ceil(rc * np.linalg.norm(fractions[:, k]))) + 1 for k in range(len(vectors))]
    found, ends = [], []
    for shift in itertools.product(*(range(-count, count + 1) for count in counts)):
        moved = positions + np.array(shift, float) @ vectors
        for j, D in enumerate(moved - positions[centre]):
            if (j != centre or any(shift)) and np.linalg.norm(D) <= rc:
                found.append(D)
                ends.append(j)
    return np.array(found).reshape(-1, 3), ends


def deviation(values: Array) -> Array:
    """Sample standard deviation over members, 0 for a single one."""
    return np.asarray(values.std(0, ddof=min(1, len(values) - 1)))


def evaluate(model: Model, system: Json) -> Json:
    numbers = system["numbers"]
    n, members = len(numbers), model.card["members"]
    owned = system.get("owned", n)
    element = [model.elements.index(SYMBOL[z]) for z in numbers]
    energies, forces = np.zeros((members, n)), np.zeros((members, n, 3))
    virials = np.zeros((n, 3, 3))
    for i in range(owned):
        D, ends = neighbour_vectors(system, model.rcr, i)
        species = np.array([element[j] for j in ends], int)
        energies[:, i] = model.member_energies(element[i], D[None].astype(complex), species)[0].real
        for k, j in enumerate(ends):
            stepped = np.repeat(D[None].astype(complex), 3, axis=0)
            stepped[range(3), k, range(3)] += 1j * STEP
            v = model.member_energies(element[i], stepped, species).imag.T / STEP
            forces[:, j] -= v
            forces[:, i] += v
            virials[j] -= np.outer(D[k], v.mean(0))
    whole = "owned" not in system
    sigma_energy = float(deviation(energies.sum(1)))
    result: Json = {
        "energy": float(energies.sum(1).mean()),
        "forces": forces.mean(0),
        "virial": virials.sum(0),
        "energies": energies.mean(0),
        "virials": virials,
        "sigma_energy": sigma_energy,
        "rho": sigma_energy / float(np.sqrt(owned)),
        "sigma_energies": deviation(energies),
        "member_energies": energies.sum(1),
        "member_forces": forces,
    }
    if whole:
        result["sigma_forces"] = np.sqrt((deviation(forces) ** 2).sum(-1))
    return result
