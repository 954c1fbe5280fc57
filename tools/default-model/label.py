"""Labels structures with GFN2-xTB (tblite): STRUCTURES OUT, both extended XYZ. A run that was stopped goes on.

The order is that of the structures, whatever the number of workers; those whose SCF fails or whose forces are out of
bounds are left out and counted."""

import argparse
import os

os.environ["OMP_NUM_THREADS"] = "1"  # before tblite loads: one thread a worker

from multiprocessing import Pool

import numpy as np
from frames import Frame, read, write
from tblite.interface import Calculator

BOHR = 0.529177210903  # Å
HARTREE = 27.211386245988  # eV
LARGEST_FORCE = 40.0  # eV/Å; beyond, the SCF is hardly meaningful
BATCH = 500


def label(frame: Frame) -> Frame | None:
    try:
        calculator = Calculator("GFN2-xTB", frame.numbers, frame.positions / BOHR)
        calculator.set("verbosity", 0)
        result = calculator.singlepoint()
    except RuntimeError:
        return None
    frame.forces = -result.get("gradient") * HARTREE / BOHR
    frame.energy = float(result.get("energy")) * HARTREE
    return frame if np.isfinite(frame.energy) and np.all(np.abs(frame.forces) < LARGEST_FORCE) else None


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
    with open(arguments.out, "a") as out, Pool(arguments.workers) as pool:
        out.truncate(size)
        structures = list(read(arguments.structures))
        kept = 0
        for first in range(done, len(structures), BATCH):
            batch = structures[first : first + BATCH]
            found = [frame for frame in pool.imap(label, batch, chunksize=8) if frame is not None]
            kept += len(found)
            write(out, found)
            out.flush()
            os.fsync(out.fileno())
            with open(progress + ".new", "w") as file:
                file.write(f"{first + len(batch)} {out.tell()}")
            os.replace(progress + ".new", progress)
            print(f"\r{arguments.out}: {first + len(batch)} of {len(structures)}", end="", flush=True)
    print(f"; {kept} of {len(structures) - done} labelled")


if __name__ == "__main__":
    main()
