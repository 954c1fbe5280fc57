"""The element networks of all members in JAX: energies, their gradient in the descriptor, gradients of the loss.

    h_0 = scale G, h_l = CELU_α(h_{l−1} W_l + b_l), ε = h_{L−1} W_L + b_L

One element's parameters are a list of (W [members,inputs,outputs], b [members,outputs]); energies in eV. The constant
`scale` evens out the columns of G while training; the export folds it into the first layer's weights."""

from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
from descriptor import COLUMNS, ELEMENTS, MEMBERS, Single
from jax import Array

HIDDEN = (80, 64, 48)
ALPHA = 0.1
PAD = 64  # rows are padded to a multiple of this, so that few shapes are compiled

Layers = list[tuple[Array, Array]]


def initial(seed: int) -> list[Layers]:
    """Random networks for each element: weights of variance 1/inputs, biases zero."""
    rng = np.random.default_rng(seed)
    widths = (COLUMNS, *HIDDEN, 1)
    networks = []
    for _ in ELEMENTS:
        layers: Layers = []
        for inputs, outputs in pairwise(widths):
            spread = 1.0 / np.sqrt(inputs)
            weight = rng.normal(0.0, spread, (MEMBERS, inputs, outputs)).astype(np.float32)
            layers.append((jnp.array(weight), jnp.zeros((MEMBERS, outputs), jnp.float32)))
        networks.append(layers)
    return networks


def member_energy(layers: Layers, scale: Array, member: int, rows: Array) -> Array:
    """ε [rows] of one member."""
    h = rows * scale
    for weight, bias in layers[:-1]:
        h = jax.nn.celu(h @ weight[member] + bias[member], ALPHA)
    weight, bias = layers[-1]
    energies: Array = h @ weight[member, :, 0] + bias[member, 0]
    return energies


def _energies_and_slopes(layers: Layers, scale: Array, rows: Array) -> tuple[Array, Array]:
    """ε [rows,members] and dε/dG [rows,columns,members]."""
    energies, slopes = [], []
    for member in range(MEMBERS):
        energy, back = jax.vjp(partial(member_energy, layers, scale, member), rows)
        energies.append(energy)
        slopes.append(back(jnp.ones_like(energy))[0])
    return jnp.stack(energies, -1), jnp.stack(slopes, -1)


def _loss_gradient(layers: Layers, scale: Array, rows: Array, by_energy: Array, along: Array) -> Layers:
    """Gradient of the loss in the parameters.

    by_energy [rows,members] is dL/dε and along [rows,columns,members] is dL/d(dε/dG): the parameters' gradient
    of Σ by_energy ε + Σ along·dε/dG, whose second term is a derivative of ε along a direction."""

    def surrogate(parameters: Layers) -> Array:
        total: Array = jnp.zeros(())
        for member in range(MEMBERS):
            function = partial(member_energy, parameters, scale, member)
            energy, turned = jax.jvp(function, (rows,), (along[:, :, member],))
            total += jnp.vdot(by_energy[:, member], energy) + jnp.sum(turned)
        return total

    gradient: Layers = jax.grad(surrogate)(layers)
    return gradient


energies_and_slopes = jax.jit(_energies_and_slopes)
loss_gradient = jax.jit(_loss_gradient)


def padded(array: Single) -> Single:
    """`array` with zero rows appended up to a multiple of PAD."""
    missing = -len(array) % PAD
    return np.concatenate([array, np.zeros((missing, *array.shape[1:]), array.dtype)]) if missing else array
