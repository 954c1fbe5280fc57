#!/usr/bin/env python3
"""A network trained by hippynn (https://github.com/lanl/hippynn) as a safetensors file, for `mlts model import`.
Needs torch, but not hippynn. One file a network; several files make an ensemble.

    python tools/hippynn_to_safetensors.py best_model.pt -o member0.safetensors --cutoff 6.5 --energy kcal/mol
    mlts model import member0.safetensors member1.safetensors -o mine.mlts
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import torch


def state_of(file: Path) -> dict[str, Any]:
    """The state_dict of `best_model.pt`, or the one within `best_checkpoint.pt`. No code of the file is run."""
    content = torch.load(file, map_location="cpu", weights_only=True)
    state = content.get("model", content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not any(name.endswith(".species_map") for name in state):
        sys.exit(f"{file}: no state_dict of a hippynn graph with species; give best_model.pt")
    return state


def node_with(state: dict[str, Any], suffix: str, file: Path) -> str:
    """The one node of the graph that has a parameter of this name, with its last dot."""
    nodes = sorted({name.removesuffix(suffix) for name in state if name.endswith("." + suffix)})
    if len(nodes) != 1:
        sys.exit(f"{file}: {len(nodes)} nodes have {suffix} ({', '.join(nodes) or 'none'}), one is needed")
    return nodes[0]


def settings_and_tensors(state: dict[str, Any], file: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    network = node_with(state, "blocks.0.0.base_layer.int_weights", file)
    head = node_with(state, "layers.0.weight", file)
    species_map = state[node_with(state, "species_map", file) + "species_map"].tolist()
    columns = {column: number for number, column in enumerate(species_map) if number > 0 and column > 0}
    cusps = {
        float(value["cusp_reg"] if isinstance(value, dict) else value)
        for name, value in state.items()
        if name.startswith(network) and name.endswith("base_layer._extra_state")
    }
    if len(cusps) > 1:
        sys.exit(f"{file}: interaction layers of different cusps {sorted(cusps)}")
    if head + "layers.0.bias" in state:
        sys.exit(f"{file}: the energy has no per-element terms (first_is_interacting), mlts needs them")
    settings = {
        "species": [columns[column] for column in sorted(columns)],
        "self_energies": state[head + "layers.0.weight"].double().flatten().tolist(),
        "cusp": cusps.pop() if cusps else 0.0,
    }
    tensors = {
        name.removeprefix(node): value
        for node, part in ((network, "blocks."), (head, "layers."))
        for name, value in state.items()
        if name.startswith(node + part) and isinstance(value, torch.Tensor)
    }
    del tensors["layers.0.weight"]
    return settings, tensors


def write(file: Path, settings: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
    header: dict[str, Any] = {"__metadata__": {"hippynn": json.dumps(settings, sort_keys=True)}}
    data = bytearray()
    for name, tensor in sorted(tensors.items()):
        values = tensor.detach().float().contiguous().numpy().astype("<f4").tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": list(tensor.shape),
            "data_offsets": [len(data), len(data) + len(values)],
        }
        data += values
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file.write_bytes(len(text).to_bytes(8, "little") + text + data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="best_model.pt of hippynn's training")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--cutoff", type=float, required=True, help="dist_hard_max of the network: the file has it not")
    parser.add_argument("--energy", choices=["eV", "hartree", "kcal/mol"], required=True, help="unit of its energies")
    parser.add_argument("--length", choices=["angstrom", "bohr"], default="angstrom", help="unit of its lengths")
    given = parser.parse_args()
    settings, tensors = settings_and_tensors(state_of(given.model), given.model)
    write(given.out, settings | {"cutoff": given.cutoff, "energy": given.energy, "length": given.length}, tensors)


if __name__ == "__main__":
    main()
