"""Labels structures with ωB97X/6-31G* (PySCF): STRUCTURES OUT, both extended XYZ. A run that was stopped goes on.

The order is that of the structures; those whose SCF does not converge are left out and counted."""

import argparse
import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"  # before PySCF loads: one thread a worker

from multiprocessing import Pool

import numpy as np
from pyscf import dft, gto

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "default-model"))

from frames import SYMBOLS, Frame, read, write

LEVEL = "wB97X/6-31G*"
BOHR = 0.529177210903  # Å
HARTREE = 27.211386245988  # eV


def label(frame: Frame) -> Frame | None:
    atoms = [(SYMBOLS[int(z)], x) for z, x in zip(frame.numbers, frame.positions, strict=True)]
    molecule = gto.M(atom=atoms, basis="6-31g*", unit="Angstrom", verbose=0)
    # The default's grids; densities are fitted, which at this size costs 0.1 meV/atom and saves half of the time.
    method = dft.RKS(molecule, xc="wb97x").density_fit()
    method.conv_tol = 1e-9
    energy = method.kernel()
    if not method.converged:
        return None
    gradient = method.nuc_grad_method().kernel()
    frame.energy, frame.forces = float(energy) * HARTREE, -gradient * HARTREE / BOHR
    return frame if np.isfinite(frame.energy) and np.all(np.isfinite(frame.forces)) else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("structures")
    parser.add_argument("out")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    progress = arguments.out + ".progress"  # structures done, bytes written
    done, size = 0, 0
    if os.path.exists(progress):
        with open(progress) as file:
            done, size = (int(number) for number in file.read().split())
    structures = list(read(arguments.structures))
    failed = 0
    with open(arguments.out, "a") as out, Pool(arguments.workers) as pool:
        out.truncate(size)
        for number, frame in enumerate(pool.imap(label, structures[done:]), done + 1):
            failed += frame is None
            write(out, [frame] if frame is not None else [], LEVEL)
            out.flush()
            os.fsync(out.fileno())
            with open(progress + ".new", "w") as file:
                file.write(f"{number} {out.tell()}")
            os.replace(progress + ".new", progress)
            print(f"\r{arguments.out}: {number} of {len(structures)}, {failed} without", end="", flush=True)
    print()


if __name__ == "__main__":
    main()
