"""HIP-NN of docs/maths.md in numpy, sharing nothing with src/engine or native: whole networks of pair vectors,
derivatives by the complex step in each of them.
"""

from __future__ import annotations

import numpy as np
from vectors_ani import ENERGY, LENGTH, STEP, SYMBOL, Array, Json, Tensors, deviation, mixed, neighbour_vectors


def shapes(card: Json) -> dict[str, tuple[int, ...]]:
    """Every tensor of the card in the order in which it is drawn."""
    members, f, n_nu = card["members"], card["features"], card["interaction"]["sensitivities"]
    order = card["interaction"]["order"]
    found: dict[str, tuple[int, ...]] = {}
    for b in range(card["blocks"]):
        inputs = f if b else len(card["elements"])
        found[f"{b}.mu"] = found[f"{b}.sigma"] = (members, n_nu)
        found[f"{b}.interaction"] = (members, n_nu, f, inputs)
        found[f"{b}.self.weight"], found[f"{b}.self.bias"] = (members, f, inputs), (members, f)
        if order >= 1:
            found[f"{b}.vector_scales"] = (members, f)
        if order == 2:
            found[f"{b}.quadratic_scales"] = (members, f)
        found[f"{b}.residual.weight"], found[f"{b}.residual.bias"] = (members, f, f), (members, f)
        if inputs != f:
            found[f"{b}.adjust"] = (members, f, inputs)
        for layer in range(card["atom_layers"]):
            for part in ("", ".residual"):
                name = f"{b}.atom.{layer}{part}"
                found[f"{name}.weight"], found[f"{name}.bias"] = (members, f, f), (members, f)
        found[f"{b}.head.weight"], found[f"{b}.head.bias"] = (members, f), (members,)
    return found


def drawn(seed: int, card: Json) -> Tensors:
    """u = 2·hash/2³² − 1, scaled by the kind of tensor: test/support/models.ts draws the same."""
    tensors: Tensors = {}
    for name, shape in shapes(card).items():
        start = (seed * 0x9E3779B1 + len(tensors) * 0x85EBCA77) & 0xFFFFFFFF
        u = 2 * mixed(np.arange(int(np.prod(shape)), dtype=np.uint64) + np.uint64(start)) / 2.0**32 - 1
        kind = name.split(".")[-1]
        if kind == "mu":
            u = card["cutoff"] * (0.55 + 0.35 * u)
        elif kind == "sigma":
            u = card["cutoff"] * (1 + 0.5 * u)
        elif kind == "interaction":
            u = u * float(np.sqrt(3 / (shape[3] * shape[1])))
        elif kind in ("weight", "adjust"):
            u = u * float(np.sqrt(3 / shape[-1]))
        elif kind == "bias":
            u = u * 0.1
        tensors[name] = u.astype(np.float32).astype(float).reshape(shape)
    return tensors


class Hipnn:
    """A card and its tensors."""

    def __init__(self, card: Json, tensors: Tensors) -> None:
        self.card, self.tensors = card, tensors
        self.length, self.energy = LENGTH[card["units"]["length"]], ENERGY[card["units"]["energy"]]
        self.cutoff = card["cutoff"] * self.length
        self.self_energies = np.array([card["self_energies"][element] for element in card["elements"]])

    def affine(self, name: str, m: int, z: Array) -> Array:
        return np.asarray(z @ self.tensors[f"{name}.weight"][m].T + self.tensors[f"{name}.bias"][m])

    def wrapped(self, name: str, m: int, y: Array) -> Array:
        return self.affine(name, m, np.log1p(np.exp(y)))

    def interact(self, b: int, m: int, D: Array, first: Array, second: Array, z: Array) -> Array:
        """y of all atoms from their features z [n, inputs]; pair p is from first[p] to second[p] along D[p]."""
        t, cusp = self.tensors, self.card["interaction"]["cusp"]
        r = np.sqrt((D * D).sum(-1))
        # lengths that were converted are float32, as the loader keeps them
        mu, sigma = (np.float32(t[f"{b}.{key}"][m] * self.length).astype(float) for key in ("mu", "sigma"))
        s = (
            np.exp(-0.5 * (sigma * (1 / r[:, None] - 1 / mu)) ** 2)
            * np.cos(np.pi * r / (2 * self.cutoff))[:, None] ** 2
        )
        u = D / r[:, None]
        y = self.affine(f"{b}.self", m, z)

        def message(angular: Array) -> Array:
            """Σ_j angular s_ν z_j, contracted with V: [n, features, ...]."""
            term = np.einsum("p...,pv,pb,vab->pa...", angular, s, z[second], t[f"{b}.interaction"][m])
            result = np.zeros((len(z), *term.shape[1:]), complex)
            np.add.at(result, first, term)
            return result

        y = y + message(np.ones(len(r)))
        if f"{b}.vector_scales" in t:
            y = y + t[f"{b}.vector_scales"][m] * np.sqrt((message(u) ** 2).sum(-1) + cusp)
        if f"{b}.quadratic_scales" in t:
            full = u[:, :, None] * u[:, None, :] - np.eye(3) / 3
            y = y + t[f"{b}.quadratic_scales"][m] * np.sqrt((message(full) ** 2).sum((-1, -2)) + cusp)
        return y

    def layers(self, m: int, element: Array, D: Array, first: Array, second: Array) -> Array:
        """E^n of all atoms in eV, [layers + 1, n]."""
        z = np.eye(len(self.card["elements"]))[element].astype(complex)
        energies = [self.self_energies[element].astype(complex)]
        for b in range(self.card["blocks"]):
            y = self.interact(b, m, D, first, second, z)
            adjust = self.tensors.get(f"{b}.adjust")
            z = (z if adjust is None else z @ adjust[m].T) + self.wrapped(f"{b}.residual", m, y)
            for layer in range(self.card["atom_layers"]):
                name = f"{b}.atom.{layer}"
                z = z + self.wrapped(f"{name}.residual", m, self.affine(name, m, z))
            energies.append(z @ self.tensors[f"{b}.head.weight"][m] + self.tensors[f"{b}.head.bias"][m])
        return np.array(energies) * self.energy

    def evaluate(self, system: Json) -> Json:
        element = np.array([self.card["elements"].index(SYMBOL[z]) for z in system["numbers"]])
        n, members = len(element), self.card["members"]
        owned = system.get("owned", n)
        near = [neighbour_vectors(system, self.cutoff, i) for i in range(n)]
        D = np.concatenate([vectors for vectors, _ in near]).astype(complex)
        first = np.array([i for i, (_, ends) in enumerate(near) for _ in ends], int)
        second = np.array([j for _, ends in near for j in ends], int)
        energies, forces = np.zeros((members, n)), np.zeros((members, n, 3))
        virials, hierarchy = np.zeros((n, 3, 3)), np.zeros(n)
        for m in range(members):
            E = self.layers(m, element, D, first, second).real[:, :owned]
            energies[m, :owned] = E.sum(0)
            hierarchy[:owned] += (E[1:] ** 2 / (E[1:] ** 2 + E[:-1] ** 2)).sum(0) / members
            for p in range(len(D)):
                v = np.zeros(3)
                for axis in range(3):
                    stepped = D.copy()
                    stepped[p, axis] += 1j * STEP
                    v[axis] = self.layers(m, element, stepped, first, second)[:, :owned].sum().imag / STEP
                forces[m, second[p]] -= v
                forces[m, first[p]] += v
                virials[second[p]] -= np.outer(D[p].real, v) / members
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
            "hierarchicality": hierarchy,
        }
        if "owned" not in system:
            result["sigma_forces"] = np.sqrt((deviation(forces) ** 2).sum(-1))
        return result
