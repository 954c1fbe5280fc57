"""Trains the ensemble on labelled frames: energies and forces, Adam, cosine learning rate, averaged parameters.

Loss of one member over a batch, with N atoms a frame, F_max its strongest force and c rising from 4 to 80 Å⁻²:

    L = mean_frames w [ c (E−E_ref)²/N + |F−F_ref|²/3N ],   w = 1 / (1 + (F_max / 5 eV/Å)²)

Each group of frames is in one of 16 blocks; member m validates on blocks 2m and 2m+1 and trains on the rest. The
molecules of kind `unseen` are kept from every member and watched."""

import argparse
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from dataset import Dataset
from descriptor import MEMBERS, Batch, Ints, Single, forces, tangents
from ensemble import Ensemble, by_element, predict
from frames import read_frames
from network import Layers, initial, loss_gradient, padded

BATCH = 32  # frames
RATE = 1e-3
AVERAGE = 0.999  # per step, of the exponential moving average of the parameters


def gradient(ensemble: Ensemble, data: Dataset, frames: Ints, share: float) -> tuple[list[Layers], Single, Single]:
    """Gradient of the batch's loss (all members), and the sums of (ΔE/N)² and of |ΔF|²/3N over the frames [members]."""
    batch = Batch(data.start[frames], data.stop[frames])
    rows, natoms = data.rows(frames), (batch.stop - batch.start)[:, None]
    owner = np.repeat(np.arange(len(frames)), natoms[:, 0])
    species = data.listed.species[rows]
    descriptors = data.descriptors[rows]
    energy, slopes = ensemble.network_pass(species, descriptors)
    off_energy = np.add.reduceat(energy, batch.row) - data.energy[frames][:, None]
    off_force = forces(data.listed, batch, slopes) - data.forces[rows][:, :, None]
    weight = data.trains(frames) * data.weight[frames][:, None] / len(frames)  # [frames,members]
    by_energy = 2.0 * share * weight * off_energy / natoms
    scale = 2.0 / 3.0 * (weight / natoms)[owner]
    along = -tangents(data.listed, batch, (scale[:, None, :] * off_force).astype(np.float32))
    gradients: list[Layers] = [jax.tree.map(jnp.zeros_like, layers) for layers in ensemble.networks]
    for s, where in by_element(species):
        arguments = (descriptors[where], by_energy[owner[where]].astype(np.float32), along[where])
        gradients[s] = loss_gradient(ensemble.networks[s], ensemble.scale, *map(padded, arguments))
    square = np.add.reduceat((off_force**2).sum(1), batch.row) / (3 * natoms)
    return gradients, ((off_energy / natoms) ** 2).sum(0), square.sum(0)


def errors(ensemble: Ensemble, data: Dataset, chosen: Ints) -> tuple[float, float]:
    """RMSE of the ensemble mean: energy in meV/atom, force component in eV/Å."""
    energy, force = predict(ensemble, data, chosen)
    natoms = data.stop[chosen] - data.start[chosen]
    off = (energy.mean(1) - data.energy[chosen]) / natoms
    off_force = force.mean(2) - data.forces[data.rows(chosen)]
    return 1e3 * float(np.sqrt((off**2).mean())), float(np.sqrt((off_force**2).mean()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", help="labelled frames of labels.py")
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--start", help="ensemble to continue from")
    parser.add_argument("--out", required=True, help="the trained ensemble")
    arguments = parser.parse_args()
    frames = read_frames(arguments.data)
    if arguments.start:
        ensemble = Ensemble.open(arguments.start)
        data = Dataset(frames, ensemble.self_energies)
    else:
        data = Dataset(frames)
        ensemble = Ensemble(initial(2026), data.scale(), data.self_energies)
    train, watched = np.flatnonzero(data.kind != "unseen"), np.flatnonzero(data.kind == "unseen")
    print(f"{len(train)} frames to train on, {len(watched)} to watch, {data.stop[-1]} atoms", flush=True)
    steps = arguments.epochs * (len(train) // BATCH)
    rate = optax.warmup_cosine_decay_schedule(1e-5, RATE, min(500, steps // 10), steps, 1e-2 * RATE)
    optimizer = optax.adam(rate, b2=0.99)
    state = optimizer.init(ensemble.networks)
    average = ensemble.networks

    def step_forward(gradients: list[Layers], state: Any, networks: list[Layers], average: list[Layers]) -> Any:
        change, state = optimizer.update(gradients, state)
        networks = optax.apply_updates(networks, change)
        return state, networks, optax.incremental_update(networks, average, 1.0 - AVERAGE)

    update = jax.jit(step_forward)
    rng = np.random.default_rng(1)
    step = 0
    for epoch in range(arguments.epochs):
        began, energy, force = time.perf_counter(), np.zeros(MEMBERS), np.zeros(MEMBERS)
        order = rng.permutation(train)
        for chosen in order[: len(train) // BATCH * BATCH].reshape(-1, BATCH):
            share = 4.0 * 20.0 ** (step / steps)
            gradients, off_energy, off_force = gradient(ensemble, data, chosen, share)
            state, ensemble.networks, average = update(gradients, state, ensemble.networks, average)
            energy, force, step = energy + off_energy, force + off_force, step + 1
        averaged = Ensemble(average, ensemble.scale, ensemble.self_energies)
        averaged.save(arguments.out)
        held = errors(averaged, data, watched)
        train_energy, train_force = (np.sqrt(x.mean() / len(train)) for x in (energy, force))
        print(
            f"epoch {epoch + 1}: members {1e3 * train_energy:.2f} meV/atom {train_force:.4f} eV/Å, "
            f"unseen {held[0]:.2f} meV/atom {held[1]:.4f} eV/Å, {time.perf_counter() - began:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
