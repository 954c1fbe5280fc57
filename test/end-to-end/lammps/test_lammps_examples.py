"""Every deck of examples/lammps runs as its page says, and its numbers are what the page promises."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from decks import DEFAULT_MODEL, PLUGIN, ROOT, Run, Server, finish, run, serve, start

EXAMPLES = ROOT / "examples" / "lammps"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve(DEFAULT_MODEL) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(EXAMPLES, tmp_path / "lammps")
    return tmp_path / "lammps"


def variables(server: Server, *more: str) -> list[str]:
    return ["-var", "plugin", str(PLUGIN), "-var", "endpoint", server.endpoint, *more]


def example(folder: Path, name: str, server: Server, ranks: int) -> Run:
    return run((folder / name / "in.lammps").read_text(), folder / name, ranks, *variables(server), timeout=300)


def test_every_example_is_tested() -> None:
    decks = {deck.parent.name for deck in EXAMPLES.glob("*/in.lammps")}
    assert decks == {"nve", "nvt", "npt", "stop-on-uncertainty", "shared-daemon", "hybrid-overlay"}
    for name in decks:
        assert (EXAMPLES / name / "README.md").exists()


def test_nve(folder: Path, server: Server) -> None:
    thermo = example(folder, "nve", server, 2).thermo[0]
    assert thermo["Step"][-1] == 1000
    assert np.abs(thermo["TotEng"] - thermo["TotEng"][0]).max() < 0.01  # eV in 192 atoms
    assert np.ptp(thermo["PotEng"]) > 0.1
    assert (thermo["c_u[1]"] > 0).all()


def test_nvt(folder: Path, server: Server) -> None:
    thermo = example(folder, "nvt", server, 1).thermo[0]
    assert thermo["f_mean[1]"][1:].mean() == pytest.approx(300, abs=25)
    assert (thermo["f_mean[2]"][1:] > thermo["f_mean[3]"][1:]).all()  # the worst atom is worse than the mean
    assert (thermo["c_u[4]"] < 192).all()


def test_npt(folder: Path, server: Server) -> None:
    aniso, tri = example(folder, "npt", server, 1).thermo
    edges = np.array([aniso[name] for name in ("Lx", "Ly", "Lz")])
    assert (np.ptp(edges, axis=1) > 0.05).all()
    assert np.abs(edges[0] - edges[1]).max() > 1e-3
    assert (aniso["Xy"] == 0).all()
    assert np.ptp(tri["Xy"]) > 1e-3
    assert tri["PotEng"][0] == pytest.approx(aniso["PotEng"][-1], abs=0.01)  # the same frame, another box
    assert ((aniso["Density"] > 0.5) & (aniso["Density"] < 1.3)).all()


def test_stop_on_uncertainty(folder: Path, server: Server) -> None:
    done = example(folder, "stop-on-uncertainty", server, 1)
    assert "Fix halt condition for fix-id end met" in done.output
    thermo = done.thermo[0]
    assert 0 < thermo["Step"][-1] < 10000
    worst = [frame[:, 5].max() for frame in uncertain(done)]
    assert len(worst) >= 1
    assert min(worst) >= 0.8
    assert sum(sigma > 1.5 for sigma in worst) == 1  # the frame that ended the run
    assert worst[-1] == max(worst)


def uncertain(done: Run) -> list[np.ndarray]:
    """Frames of the dump, the elements' symbols as numbers."""
    path = done.folder / "uncertain.lammpstrj"
    text = path.read_text()
    for number, symbol in ((" 1 ", " H "), (" 6 ", " C "), (" 8 ", " O ")):
        text = text.replace(symbol, number)
    path.write_text(text)
    return done.frames("uncertain.lammpstrj")


def test_shared_daemon(folder: Path, server: Server) -> None:
    script = (folder / "shared-daemon" / "in.lammps").read_text()

    def job(name: str, temperature: str) -> tuple[Path, list[str]]:
        place = folder / name
        place.mkdir()
        return place, variables(server, "-var", "T", temperature)

    alone, options = job("alone", "280")
    single = run(script, alone, 1, *options)
    places = [job("cold", "280"), job("hot", "350")]
    processes = [start(script, place, 1, *options) for place, options in places]
    cold, hot = (finish(process, place) for process, (place, _) in zip(processes, places, strict=True))
    assert not cold.error
    assert not hot.error
    early = slice(0, 5)  # single precision: later, batches of another make show in the last digits and grow
    np.testing.assert_allclose(cold.thermo[0]["PotEng"][early], single.thermo[0]["PotEng"][early], rtol=0, atol=0.01)
    assert hot.thermo[0]["Temp"].mean() > cold.thermo[0]["Temp"].mean() + 20


def test_hybrid_overlay(folder: Path, server: Server) -> None:
    plain, overlay, squeezed = (block for block in example(folder, "hybrid-overlay", server, 2).thermo)
    assert overlay["PotEng"][0] == pytest.approx(plain["PotEng"][0], abs=1e-3)
    assert overlay["Press"][0] == pytest.approx(plain["Press"][0], abs=1)
    assert overlay["c_core"][0] == 0
    assert squeezed["c_core"][0] > 0.1
    assert squeezed["PotEng"][0] == pytest.approx(squeezed["c_ensemble"][0] + squeezed["c_core"][0], abs=1e-4)
    assert squeezed["PotEng"][0] > overlay["PotEng"][0] + 1
