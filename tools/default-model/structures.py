"""Builds start structures: distorted molecules, close contacts, dimers, clusters, droplets. Lengths in Å."""

from dataclasses import dataclass

import numpy as np
from molecules import conformer, smiles_list, words
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Rng = np.random.Generator

# Van der Waals radii (Bondi; H: Rowland and Taylor), Å, indexed by atomic number.
VDW = np.zeros(9)
VDW[[1, 6, 7, 8]] = [1.10, 1.70, 1.55, 1.52]
# Single-bond covalent radii (Cordero 2008), Å.
COVALENT = np.zeros(9)
COVALENT[[1, 6, 7, 8]] = [0.31, 0.76, 0.71, 0.66]

WATER = "O"
SOLVENTS = words("N C CO CCO C=O OC=O CC#N CC(C)=O CC(N)=O COC CN O=C=O CC(=O)O c1ccccc1 C1CCOC1 CC")
EXOTIC = ("C#C", "OO", "N=N", "N=O", "C=C=", "ON", "NN", "C=NO")

_ALL = smiles_list()
UNSEEN = [smiles for number, smiles in enumerate(_ALL) if number % 20 == 7 and smiles not in [WATER, *SOLVENTS]]
SEEN = [smiles for smiles in _ALL if smiles not in UNSEEN]
# Functional groups that few users simulate get a third of the weight.
_WEIGHTS = np.array([1.0 if any(part in smiles for part in EXOTIC) else 3.0 for smiles in SEEN])
_WEIGHTS /= _WEIGHTS.sum()


@dataclass
class Structure:
    numbers: Ints  # [n]
    positions: Floats  # [n,3] Å


def molecule(rng: Rng, smiles: str | None = None) -> Structure:
    """A random conformer of `smiles`, or of a molecule drawn from the training list; centred, turned at random."""
    while True:
        chosen = smiles or str(rng.choice(SEEN, p=_WEIGHTS))
        found = conformer(chosen, int(rng.integers(1, 2**30)))
        if found is not None:
            numbers, positions = found
            return Structure(numbers, (positions - positions.mean(0)) @ rotation(rng).T)


def partner(rng: Rng, water: float) -> Structure:
    """Water with probability `water`, else a common small molecule or (one in four) any."""
    if rng.random() < water:
        return molecule(rng, WATER)
    return molecule(rng, None if rng.random() < 0.25 else str(rng.choice(SOLVENTS)))


def rotation(rng: Rng) -> Floats:
    """A uniformly random rotation matrix [3,3]."""
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q *= np.sign(np.diag(r))
    return q if np.linalg.det(q) > 0 else -q


def closeness(a: Structure, b: Structure) -> float:
    """Smallest distance between atoms of a and b in units of the sum of their van der Waals radii."""
    distances = np.linalg.norm(a.positions[:, None] - b.positions[None], axis=2)
    return float((distances / (VDW[a.numbers][:, None] + VDW[b.numbers][None])).min())


def approach(rng: Rng, host: Structure, guest: Structure, target: float) -> Structure:
    """host + guest, the guest moved inwards along a random ray until their closeness is `target`."""
    ray = rng.normal(size=3)
    ray /= np.linalg.norm(ray)
    origin = host.positions.mean(0)
    far = np.linalg.norm(host.positions - origin, axis=1).max() + np.linalg.norm(guest.positions, axis=1).max() + 8.0

    def at(distance: float) -> Structure:
        return Structure(guest.numbers, guest.positions + origin + distance * ray)

    inner, outer = 0.0, far
    for distance in np.linspace(far, 0.0, 60):
        if closeness(host, at(distance)) < target:
            inner = distance
            break
        outer = distance
    for _ in range(12):
        middle = 0.5 * (inner + outer)
        if closeness(host, at(middle)) < target:
            inner = middle
        else:
            outer = middle
    placed = at(outer)
    return Structure(np.append(host.numbers, placed.numbers), np.vstack([host.positions, placed.positions]))


def bonds(s: Structure) -> Ints:
    """Index pairs [m,2] closer than 1.25 covalent radii."""
    distances = np.linalg.norm(s.positions[:, None] - s.positions[None], axis=2)
    limit = 1.25 * (COVALENT[s.numbers][:, None] + COVALENT[s.numbers][None])
    return np.argwhere(np.triu(distances < limit, 1))


def side(s: Structure, i: int, j: int) -> NDArray[np.bool_]:
    """The atoms on j's side of the bond i–j; only j itself where the bond closes a ring."""
    pairs = [tuple(pair) for pair in bonds(s) if set(pair) != {i, j}]
    reached = {j}
    while True:
        grown = reached | {b for pair in pairs for a, b in (pair, pair[::-1]) if a in reached}
        if grown == reached:
            break
        reached = grown
    mask = np.zeros(len(s.numbers), bool)
    mask[[j] if i in reached else list(reached)] = True
    return mask


def distorted(rng: Rng, s: Structure) -> Structure:
    """One or two bonds stretched or squeezed and turned about, then every atom displaced."""
    positions = s.positions.copy()
    pairs = bonds(s)
    for _ in range(int(rng.integers(1, 3))):
        i, j = (int(k) for k in pairs[rng.integers(len(pairs))][:: rng.choice([-1, 1])])
        moved = side(s, i, j)
        axis = positions[j] - positions[i]
        factor = rng.uniform(0.72, 1.0) if rng.random() < 0.4 else rng.uniform(1.0, 1.7)
        positions[moved] += (factor - 1.0) * axis
        axis /= np.linalg.norm(axis)
        angle, arms = rng.uniform(-np.pi, np.pi), positions[moved] - positions[i]
        positions[moved] = positions[i] + (
            arms * np.cos(angle)
            + np.cross(axis, arms) * np.sin(angle)
            + np.outer(arms @ axis, axis) * (1.0 - np.cos(angle))
        )
    positions += rng.normal(0.0, rng.choice([0.02, 0.06, 0.12]), positions.shape)
    return Structure(s.numbers, positions)


def dimer(rng: Rng) -> Structure:
    return approach(rng, partner(rng, 0.4), partner(rng, 0.4), rng.uniform(0.62, 1.9))


def contact(rng: Rng) -> Structure:
    """Two molecules pushed into each other: the repulsive wall."""
    return approach(rng, partner(rng, 0.5), partner(rng, 0.5), rng.uniform(0.28, 0.65))


def cluster(rng: Rng, size: int, water: float) -> Structure:
    grown = partner(rng, water)
    while size > 1:
        grown = approach(rng, grown, partner(rng, water), rng.uniform(0.66, 0.95))
        size -= 1
    return grown


def droplet(rng: Rng) -> Structure:
    """14–24 waters packed at random, each displaced."""
    grown = cluster(rng, int(rng.integers(14, 25)), 1.0)
    grown.positions += rng.normal(0.0, rng.choice([0.02, 0.05]), grown.positions.shape)
    return grown
