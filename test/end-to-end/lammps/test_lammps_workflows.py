"""The pair style inside what LAMMPS users do with one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from decks import DEFAULT_MODEL, PLUGIN, THERMO, Run, Server, header, run, serve, water

DUMP = "dump d all custom 1 frames id type x y z fx fy fz\ndump_modify d sort id format float %.15g\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve(DEFAULT_MODEL) as running:
        yield running


def deck(server: Server, folder: Path, *, per_side: int = 2, tilt: float = 0.0, options: str = "") -> str:
    water(folder / "water.data", per_side=per_side, tilt=tilt)
    return header(server.endpoint, f"precision double {options}")


def last(done: Run, name: str, block: int = -1) -> float:
    return float(done.thermo[block][name][-1])


NOW = "velocity all set 0 0 0\nwrite_dump all custom now id type x y z modify sort id format float %.17g\nrun 0\n"


def assert_no_memory(done: Run, start: str) -> None:
    """What the last `run 0` said of the atoms in `now` is what a LAMMPS that never saw others says of them."""
    rows = [f"create_atoms {int(row[1])} single {row[2]} {row[3]} {row[4]}" for row in done.frames("now")[0]]
    fresh = run(f"{start}delete_atoms group all\n" + "\n".join(rows) + f"\n{THERMO}run 0\n", done.folder)
    for name, tolerance in (("Atoms", 0), ("PotEng", 1e-6), ("Pxx", 1e-2), ("c_u[2]", 1e-6)):
        assert last(fresh, name) == pytest.approx(last(done, name), abs=tolerance)


def test_minimize(tmp_path: Path, server: Server) -> None:
    done = run(f"{deck(server, tmp_path)}{THERMO}minimize 0 1e-2 60 300\n", tmp_path, 2)
    energy = done.thermo[0]["PotEng"]
    assert energy[-1] < energy[0] - 0.5
    assert last(done, "c_u[1]") > 0


def test_minimize_the_box_too(tmp_path: Path, server: Server) -> None:
    done = run(f"{deck(server, tmp_path)}{THERMO}fix b all box/relax aniso 0\nminimize 0 1e-2 30 200\n", tmp_path, 2)
    assert done.thermo[0]["PotEng"][-1] < done.thermo[0]["PotEng"][0]


def test_rerun_says_what_the_run_said(tmp_path: Path, server: Server) -> None:
    start = deck(server, tmp_path)
    motion = "velocity all create 300 1 loop geom\nfix 1 all nve\n"
    first = run(f"{start}{THERMO}{DUMP}{motion}thermo 1\nrun 5\n", tmp_path, 2)
    again = run(f"{start}{THERMO}thermo 1\nrerun frames dump x y z\n", tmp_path, 1)
    assert len(again.thermo[0]["Step"]) == 6
    np.testing.assert_allclose(again.thermo[0]["PotEng"], first.thermo[0]["PotEng"], rtol=0, atol=1e-8)
    np.testing.assert_allclose(again.thermo[0]["c_u[1]"], first.thermo[0]["c_u[1]"], rtol=0, atol=2e-6)


def test_repeated_runs_are_one_long_run(tmp_path: Path, server: Server) -> None:
    motion = f"{THERMO}velocity all create 300 1 loop geom\nfix 1 all nve\n"
    whole = run(f"{deck(server, tmp_path / 'whole')}{motion}run 8\n", tmp_path / "whole")
    parts = run(f"{deck(server, tmp_path / 'parts')}{motion}run 4\nrun 4\nrun 0\n", tmp_path / "parts")
    assert last(parts, "PotEng") == pytest.approx(last(whole, "PotEng"), abs=1e-9)


def test_clear_and_begin_again(tmp_path: Path, server: Server) -> None:
    start = deck(server, tmp_path)
    done = run(f"{start}{THERMO}run 0\nclear\n{start}{THERMO}run 0\n", tmp_path, 2)
    assert len(done.thermo) == 2
    assert last(done, "PotEng") == last(done, "PotEng", 0)


def test_a_second_pair_style_takes_over(tmp_path: Path, server: Server) -> None:
    start = deck(server, tmp_path)
    second = f"pair_style mlts {server.endpoint} precision single\npair_coeff * * H O\n"
    none = "pair_style zero 5\npair_coeff * *\nrun 0\n"
    done = run(f"{start}run 0\n{second}run 0\n{none}{second}run 0\n", tmp_path)
    energies = [last(done, "E_pair", block) for block in range(4)]
    assert energies[1] == pytest.approx(energies[0], abs=1e-2)
    assert energies[1] != energies[0]  # single, not double
    assert energies[2] == 0
    assert energies[3] == energies[1]


def test_restart_goes_on_where_it_stopped(tmp_path: Path, server: Server) -> None:
    start = deck(server, tmp_path)
    motion = "fix 1 all nve\nthermo 1\n"
    first = f"{start}{THERMO}velocity all create 300 1 loop geom\n{motion}run 3\nwrite_restart state\nrun 3\n"
    whole = run(first, tmp_path)
    head = start.replace("read_data water.data", "read_restart state")
    again = run(f"{head}{THERMO}{motion}run 3\n", tmp_path, 2)
    np.testing.assert_allclose(again.thermo[0]["PotEng"], whole.thermo[1]["PotEng"], rtol=0, atol=1e-8)


def test_atoms_that_come_and_go(tmp_path: Path, server: Server) -> None:
    start = deck(server, tmp_path) + "change_box all z final 0 30 boundary p p f\n"
    body = """region top block 0.1 6.1 0.1 6.1 20 28
fix walls all wall/reflect zlo EDGE zhi EDGE
fix in all deposit 5 2 10 7 region top near 2.0 vz -0.1 -0.1
fix out all evaporate 20 2 top 9
compute_modify thermo_temp dynamic/dof yes
fix 1 all nve
thermo 10
"""
    done = run(f"{start}{THERMO}{body}run 60\nunfix 1\nunfix in\nunfix out\n{NOW}", tmp_path, 2)
    counts = done.thermo[0]["Atoms"]
    assert counts.max() > 24
    assert counts[-1] < counts.max()
    assert_no_memory(done, start)


def test_types_that_are_swapped_between_rebuilds(tmp_path: Path, server: Server) -> None:
    # fix atom/swap changes types without moving an atom: the server must hear of it.
    start = deck(server, tmp_path)
    done = run(f"{start}{THERMO}fix s all atom/swap 1 3 7 1e6 ke no types 1 2\nthermo 1\nrun 4\n{NOW}", tmp_path, 2)
    assert (done.frames("now")[0][:, 1] != np.tile([2, 1, 1], 8)).any()  # a swap was accepted
    assert last(done, "PotEng", 0) == pytest.approx(last(done, "PotEng"), abs=1e-6)
    assert_no_memory(done, start)


def test_grand_canonical_monte_carlo(tmp_path: Path, server: Server) -> None:
    # Whole energies at each trial; overlap_cutoff keeps trials out that the model would refuse.
    start = deck(server, tmp_path)
    trial = "fix g all gcmc 1 4 4 1 4711 3000 -14.0 0.5 full_energy overlap_cutoff 0.9\n"
    done = run(f"{start}{THERMO}{trial}thermo 1\nrun 10\nunfix g\n{NOW}", tmp_path, 2)
    assert np.ptp(done.thermo[0]["Atoms"]) > 0
    assert_no_memory(done, start)


@pytest.mark.parametrize("motion", ["npt temp 300 300 0.1 tri 0 0 1", "nph aniso 5000 5000 0.5"])
def test_boxes_that_breathe(tmp_path: Path, server: Server, motion: str) -> None:
    runs = []
    for ranks in (1, 2):
        folder = tmp_path / str(ranks)
        start = deck(server, folder, tilt=1.2 if "tri" in motion else 0.0)
        body = f"velocity all create 300 1 loop geom\nfix 1 all {motion}\ntimestep 0.0005\nthermo 10\n"
        runs.append(run(f"{start}{THERMO}{body}run 30\n", folder, ranks))
    one, two = (done.thermo[0] for done in runs)
    assert np.ptp(one["Pxx"]) > 10
    np.testing.assert_allclose(two["PotEng"], one["PotEng"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(two["Pxy"], one["Pxy"], rtol=0, atol=1e-1)


def test_boxes_that_are_deformed(tmp_path: Path, server: Server) -> None:
    runs = []
    for ranks in (1, 2):
        folder = tmp_path / str(ranks)
        body = "fix 1 all nve\nfix 2 all deform 1 x erate 5 xy erate 20 remap v flip yes\ntimestep 0.0005\nthermo 10\n"
        runs.append(run(f"{deck(server, folder, tilt=2.8)}{THERMO}{body}run 40\n", folder, ranks).thermo[0])
    assert np.ptp(runs[0]["Pxy"]) > 10
    np.testing.assert_allclose(runs[1]["PotEng"], runs[0]["PotEng"], rtol=0, atol=1e-6)


def test_stop_on_uncertainty(tmp_path: Path, server: Server) -> None:
    start = deck(server, tmp_path)
    body = """velocity all create 300 1 loop geom
fix 1 all nve
fix ps all pair 1 mlts sigma_f 1
compute most all reduce max f_ps
variable s equal c_u[1]
variable limit equal 0.999*c_u[1]
thermo 1
run 0
variable fixed equal $(v_limit)
fix stop all halt 1 v_s > ${fixed} error soft
dump bad all custom 1 uncertain id type x y z f_ps
thermo_style custom step pe c_u[1] c_most
run 20
"""
    done = run(f"{start}{THERMO}{body}", tmp_path, 2)
    assert "Fix halt condition for fix-id stop met" in done.output
    stopped = done.thermo[1]
    assert len(stopped["Step"]) < 21
    np.testing.assert_allclose(stopped["c_u[1]"], stopped["c_most"], rtol=1e-6)
    assert max(frame[:, 5].max() for frame in done.frames("uncertain")) == pytest.approx(
        stopped["c_most"].max(), rel=1e-5
    )


def test_sigma_costs_nothing_where_nobody_asks(tmp_path: Path, server: Server) -> None:
    # The reading at step 10 is the same whether or not the steps between were read.
    motion = "velocity all create 300 1 loop geom\nfix 1 all nve\n"
    often = run(f"{deck(server, tmp_path / 'a')}{THERMO}{motion}thermo 1\nrun 10\n", tmp_path / "a", 2)
    seldom = run(f"{deck(server, tmp_path / 'b')}{THERMO}{motion}thermo 10\nrun 10\n", tmp_path / "b", 2)
    assert last(seldom, "c_u[1]") == pytest.approx(last(often, "c_u[1]"), abs=2e-6)
    assert len(often.thermo[0]["Step"]) == 11


def test_without_sigma(tmp_path: Path, server: Server) -> None:
    start = deck(server, tmp_path, options="sigma no")
    assert last(run(f"{start}run 0\n", tmp_path, 2), "E_pair") < 0
    done = run(f"{start}compute u all pair mlts\nthermo_style custom step c_u[1]\nrun 0\n", tmp_path, fails=True)
    assert "c_u" in done.error or "does not compute a vector" in done.error
    done = run(f"{start}fix ps all pair 1 mlts sigma_f 1\nrun 0\n", tmp_path, fails=True)
    assert "cannot extract sigma_f_flag" in done.error


def test_fix_pair_without_its_flag_stops_rather_than_reads_old_values(tmp_path: Path, server: Server) -> None:
    body = "fix 1 all nve\nfix ps all pair 1 mlts sigma_f 0\nthermo 5\nrun 5\n"
    done = run(f"{deck(server, tmp_path)}{body}", tmp_path, fails=True)
    assert "cannot extract property sigma_f" in done.error


def test_neb(tmp_path: Path, server: Server) -> None:
    # One water walks 0.6 Å along x: four replicas, each with a client of its own.
    start = deck(server, tmp_path)
    rows = [
        line.split() for line in (tmp_path / "water.data").read_text().splitlines() if line[:2] in ("1 ", "2 ", "3 ")
    ]
    moved = [f"{row[0]} {float(row[2]) + 0.6} {row[3]} {row[4]}" for row in rows if len(row) == 5]
    (tmp_path / "final").write_text("\n".join([str(len(moved)), *moved]) + "\n")
    body = "min_style quickmin\nfix n all neb 1.0\nthermo 2\nneb 0 0.5 6 4 2 final final\n"
    run(f"{start}{body}", tmp_path, 4, "-partition", "4x1", timeout=180)
    table = [row.split() for row in (tmp_path / "log.lammps").read_text().splitlines() if row.strip()[:1].isdigit()]
    energies = np.array([row[10::2] for row in table], dtype=float)[:, :4]  # RD1 PE1 RD2 PE2 …
    assert energies.shape[0] >= 4
    assert (energies < -1000).all()
    assert np.ptp(energies[0]) > 0.01


def test_write_data_and_unload(tmp_path: Path, server: Server) -> None:
    start = deck(server, tmp_path)
    body = "run 0\nwrite_data out.data\npair_style none\nplugin unload pair mlts\nplugin list\n"
    done = run(
        f"{start}{body}plugin load {PLUGIN}\n{start.split('read_data')[1].split('water.data', 1)[1]}run 0\n",
        tmp_path,
        2,
    )
    assert "Pair Coeffs" not in (tmp_path / "out.data").read_text()
    assert last(done, "E_pair", 1) == last(done, "E_pair", 0)


def test_unload_while_in_use(tmp_path: Path, server: Server) -> None:
    done = run(f"{deck(server, tmp_path)}run 0\nplugin unload pair mlts\nplugin list\n", tmp_path, 2)
    assert "Unloading pair style mlts" in done.output
