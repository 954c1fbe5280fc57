"""Writes the trained ensemble as a `.mlts` file (docs/model-format.md) with its errors on the frames kept from it."""

import argparse
import json
from typing import Any

import numpy as np
from dataset import Dataset
from descriptor import DEFAULT, MEMBERS
from ensemble import Ensemble, predict
from frames import read_frames
from molecules import smiles_list
from network import ALPHA, HIDDEN
from numpy.typing import NDArray
from safetensors.numpy import save

SYMBOLS = "HCNO"
STRAINED = ("distorted", "contact")  # kinds far from anything thermal
DATA = (
    "{frames} frames of neutral closed-shell H C N O: {molecules} molecules, nearly all of up to 8 heavy atoms, their "
    "dimers, clusters and water droplets in hot Langevin dynamics; stretched bonds, turned torsions, close contacts; "
    "molecules and droplets of boxes from dynamics of the ensemble itself"
)
LEVEL = "GFN2-xTB (doi:10.1021/acs.jctc.8b01176), tblite 0.8.0, closed shell, without periodic images"
RECIPE = (
    "tools/default-model/make.sh: energies and forces, Adam 1e-3 with cosine decay, averaged parameters; frames in 16 "
    "blocks by trajectory, member m trains on all but blocks 2m and 2m+1; errors on frames sampled apart"
)


def rms(x: NDArray[Any]) -> float:
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64))))


def assess(ensemble: Ensemble, data: Dataset) -> tuple[dict[str, Any], dict[str, float]]:
    """Errors of the ensemble mean by kind; RMS error over RMS σ on the kinds that are not strained."""
    metrics: dict[str, Any] = {}
    pools: list[tuple[NDArray[Any], ...]] = []
    for kind in np.unique(data.kind):
        chosen = np.flatnonzero(data.kind == kind)
        rows, natoms = data.rows(chosen), data.stop[chosen] - data.start[chosen]
        energy, force = predict(ensemble, data, chosen)
        off_energy = (energy.mean(1) - data.energy[chosen]) / natoms
        off_force = force.mean(2) - data.forces[rows]
        metrics[str(kind)] = {
            "frames": len(chosen),
            "energy_rmse_mev_per_atom": round(1e3 * rms(off_energy), 2),
            "force_rmse_ev_per_angstrom": round(rms(off_force), 4),
            "force_rms_of_labels_ev_per_angstrom": round(rms(data.forces[rows]), 3),
        }
        if kind not in STRAINED:
            sigma_energy = energy.std(1, ddof=1) / natoms
            sigma_force = np.sqrt(force.var(2, ddof=1).sum(1))
            pools.append((off_energy, sigma_energy, np.linalg.norm(off_force, axis=1), sigma_force))
    off_energy, sigma_energy, off_force, sigma_force = (np.concatenate(column) for column in zip(*pools, strict=True))
    calibration = {
        "sigma_energy": round(rms(off_energy) / rms(sigma_energy), 3),
        "sigma_force": round(rms(off_force) / rms(sigma_force), 3),
    }
    return metrics, calibration


def make_card(ensemble: Ensemble, trained: int, test: Dataset) -> dict[str, Any]:
    """The card of an ensemble trained on `trained` frames."""
    metrics, calibration = assess(ensemble, test)
    return {
        "format": 1,
        "name": "default",
        "architecture": "ani",
        "elements": list(SYMBOLS),
        "members": MEMBERS,
        "units": {"energy": "eV", "length": "angstrom"},
        "cutoff": DEFAULT.radial_cutoff,
        "reach": DEFAULT.radial_cutoff,
        "min_distance": 0.5,
        "descriptor": {
            "cutoff_function": "cosine",
            "radial": {
                "cutoff": DEFAULT.radial_cutoff,
                "eta": DEFAULT.radial_eta,
                "shifts": DEFAULT.radial_shifts,
            },
            "angular": {
                "cutoff": DEFAULT.angular_cutoff,
                "eta": DEFAULT.angular_eta,
                "zeta": DEFAULT.zeta,
                "shifts": DEFAULT.angular_shifts,
                "sections": DEFAULT.sections,
            },
        },
        "activation": {"name": "celu", "alpha": ALPHA},
        "layers": {symbol: [*HIDDEN, 1] for symbol in SYMBOLS},
        "self_energies": dict(zip(SYMBOLS, map(float, ensemble.self_energies), strict=True)),
        "calibration": calibration,
        "provenance": {
            "source": "trained for mlts",
            "data": DATA.format(frames=trained, molecules=len(smiles_list())),
            "level_of_theory": LEVEL,
            "recipe": RECIPE,
            "metrics": metrics,
        },
        "licence": "BSD-3-Clause",
        "citation": "https://doi.org/10.1021/acs.jctc.8b01176 (the labels' method)",
    }


def tensors(ensemble: Ensemble) -> dict[str, NDArray[np.float32]]:
    """The parameters by name; the columns' scale goes into the first layer."""
    result = {}
    for symbol, layers in zip(SYMBOLS, ensemble.networks, strict=True):
        for number, (weight, bias) in enumerate(layers):
            values = np.asarray(weight) * (ensemble.scale[:, None] if number == 0 else np.float32(1))
            result[f"{symbol}.{number}.weight"] = np.ascontiguousarray(values.transpose(0, 2, 1), np.float32)
            result[f"{symbol}.{number}.bias"] = np.ascontiguousarray(bias, np.float32)
    return dict(sorted(result.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", nargs="+", required=True, help="the files that the ensemble was trained on")
    parser.add_argument("--test", nargs="+", required=True, help="frames sampled apart from these")
    parser.add_argument("--ensemble", required=True)
    parser.add_argument("--out", required=True, help="the .mlts file")
    arguments = parser.parse_args()
    ensemble = Ensemble.open(arguments.ensemble)
    given = read_frames(arguments.train)
    unseen = [frame for frame in given if frame.kind == "unseen"]
    test = Dataset(unseen + read_frames(arguments.test), ensemble.self_energies)
    card = make_card(ensemble, len(given) - len(unseen), test)
    with open(arguments.out, "wb") as file:
        file.write(save(tensors(ensemble), metadata={"mlts": json.dumps(card, sort_keys=True, ensure_ascii=False)}))
    print(json.dumps({key: card[key] for key in ("calibration", "provenance")}, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
