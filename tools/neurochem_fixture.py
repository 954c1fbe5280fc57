#!/usr/bin/env python3
"""Writes test/vectors/neurochem: a tiny set in NeuroChem's format (random weights), and broken .nnf files beside it.

.venv/bin/python tools/neurochem_fixture.py
"""

from __future__ import annotations

import bz2
from pathlib import Path

import numpy as np

OUT = Path(__file__).resolve().parent.parent / "test" / "vectors" / "neurochem"
ELEMENTS = {"H": [5, 4, 1], "O": [3, 1]}
INPUTS = 2 * 3 + 3 * 2 * 2
PARAMS = """TM = 1
Rcr = 4.6000e+00
Rca = 3.1000e+00
EtaR = [9.3000000e+00]
ShfR = [7.0000000e-01,2.0000000e+00,3.3000000e+00]
Zeta = [1.4100000e+01]
ShfZ = [7.8539816e-01,2.3561945e+00]
EtaA = [6.1000000e+00]
ShfA = [7.0000000e-01,1.9000000e+00]
Atyp = [H,O]
"""


def layer(element: str, index: int, inputs: int, outputs: int, activation: int) -> str:
    return (
        f"layer [\nnodes={outputs};\nactivation={activation};\ntype=0;\nblocksize={inputs};\nl2valu=0.000001;\n"
        f"weights=FILE:ANN-{element}.nnf-l{index}.wparam[{inputs * outputs}];\n"
        f"biases=FILE:ANN-{element}.nnf-l{index}.bparam[{outputs}];\n]\n"
    )


def network(element: str, inputs: int = INPUTS, hidden: int = 9, last: int = 6) -> str:
    sizes = ELEMENTS[element]
    text, width = f"inputsize={inputs};\natom_net {element} $\n", inputs
    for index, outputs in enumerate(sizes, 1):
        text += layer(element, index, width, outputs, last if index == len(sizes) else hidden)
        width = outputs
    return text + "\n $\0"


def packed(text: str) -> bytes:
    return f"{len(text)}=\n".encode() + bz2.compress(text.encode())


def main() -> None:
    random = np.random.default_rng(1)
    (OUT / "tiny").mkdir(parents=True, exist_ok=True)
    (OUT / "tiny.info").write_text("tiny/tiny.params\ntiny/sae_linfit.dat\ntiny/train\n2\n")
    (OUT / "tiny" / "tiny.params").write_text(PARAMS)
    (OUT / "tiny" / "sae_linfit.dat").write_text("H,0=-0.5978583943827134\nO,1=-75.19106774742086\n")
    for member in range(2):
        folder = OUT / "tiny" / f"train{member}" / "networks"
        folder.mkdir(parents=True, exist_ok=True)
        for element, sizes in ELEMENTS.items():
            (folder / f"ANN-{element}.nnf").write_bytes(packed(network(element)))
            inputs = INPUTS
            for index, outputs in enumerate(sizes, 1):
                for kind, count in (("w", inputs * outputs), ("b", outputs)):
                    data = random.uniform(-0.3, 0.3, count).astype("<f4")
                    (folder / f"ANN-{element}.nnf-l{index}.{kind}param").write_bytes(data.tobytes())
                inputs = outputs
    good = network("H")
    broken = {
        "gaussian": packed(network("H", hidden=5)),
        "nonlinear-output": packed(network("H", last=9)),
        "inputs": packed(network("H", inputs=19)),
        "element": packed(network("O")),
        "sizes": packed(good.replace("nodes=4;", "nodes=7;")),
        "path": packed(good.replace("FILE:ANN-H.nnf-l1", "FILE:../ANN-H.nnf-l1")),
        "damaged": packed(good)[:-20],
        "length": packed(good).replace(b"=\n", b"9=\n", 1),
        "empty": packed("inputsize=18;\natom_net H $\n $\0"),
    }
    (OUT / "broken").mkdir(exist_ok=True)
    for name, content in broken.items():
        (OUT / "broken" / f"{name}.nnf").write_bytes(content)


if __name__ == "__main__":
    main()
