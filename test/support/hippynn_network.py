"""A random network of hippynn: saves its state_dict, prints its own energies and forces in double precision as JSON.

python test/support/hippynn_network.py ORDER best_model.pt
"""

from __future__ import annotations

import json
import sys

import numpy as np
import torch
from hippynn.graphs import GraphModule, inputs, networks, physics, targets

CUTOFF = 5.0
NUMBERS = [8, 1, 1, 6, 1, 1, 7, 1]


def main() -> None:
    order, file = int(sys.argv[1]), sys.argv[2]
    torch.manual_seed(11 + order)
    torch.set_default_dtype(torch.float64)
    settings = {
        "possible_species": [0, 1, 6, 7, 8],
        "n_features": 12,
        "n_sensitivities": 7,
        "dist_soft_min": 0.8,
        "dist_soft_max": 4.0,
        "dist_hard_max": CUTOFF,
        "n_interaction_layers": 2,
        "n_atom_layers": 2,
    }
    kind = [networks.Hipnn, networks.HipnnVec, networks.HipnnQuad][order]
    species, positions = inputs.SpeciesNode(db_name="Z"), inputs.PositionsNode(db_name="R")
    network = kind("net", (species, positions), module_kwargs=settings)
    energy = targets.HEnergyNode("E", network)
    gradient = physics.GradientNode("F", (energy.mol_energy, positions), sign=-1)
    graph = GraphModule([species, positions], [energy.mol_energy, gradient])
    graph.double()
    with torch.no_grad():
        # weights that single precision holds exactly
        for parameter in graph.parameters():
            parameter.copy_(parameter.float().double())
    torch.save(graph.state_dict(), file)
    random = np.random.default_rng(order)
    grid = np.array([[i % 2, i // 2 % 2, i // 4] for i in range(len(NUMBERS))])
    R = 1.5 * grid + 0.3 * (random.random((len(NUMBERS), 3)) - 0.5)
    E, F = graph(torch.tensor([NUMBERS]), torch.tensor(R[None], requires_grad=True))
    result = {"numbers": NUMBERS, "positions": R.ravel().tolist(), "cutoff": CUTOFF}
    print(json.dumps(result | {"energy": E.item(), "forces": F.detach().numpy().ravel().tolist()}))


if __name__ == "__main__":
    main()
