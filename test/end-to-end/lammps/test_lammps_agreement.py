"""One system, many ways to cut it: ranks, processor grids, units and a client without LAMMPS all say the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import ase.io
import numpy as np
import pytest
from decks import DEFAULT_MODEL, THERMO, Run, Server, domains, header, run, serve, water
from mlts_ase import MLTS
from synthetic import write_hipnn

KCAL_PER_MOL = 23.060547830619  # 1 eV, CODATA 2018
BAR = 1.6021765e6  # 1 eV/Å³, LAMMPS' nktv2p of units metal


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve(DEFAULT_MODEL) as running:
        yield running


# Double precision, so that what is left is the order of summation and the float32 of the members' deviations.
FIXES = """
fix ps all pair 5 mlts sigma_f 1 sigma_e 1
compute ea all pe/atom
compute sa all stress/atom NULL
compute ca all centroid/stress/atom NULL virial
dump d all custom 5 frames id type x y z fx fy fz f_ps[1] f_ps[2] c_ea c_sa[*] c_ca[*]
dump_modify d sort id format float %.15g
velocity all create 600 4711 loop geom
fix 1 all nve
thermo 5
"""


def simulate(folder: Path, endpoint: str, ranks: int, *, tilt: float = 0.0, box: str = "", steps: int = 20) -> Run:
    water(folder / "water.data", tilt=tilt)
    return run(f"{header(endpoint, 'precision double')}{box}{THERMO}{FIXES}run {steps}\n", folder, ranks)


def assert_same(one: Run, other: Run, atol: float = 1e-8) -> None:
    for name, column in one.thermo[0].items():
        loose = 2e-6 if name.startswith("c_u") else atol * max(1.0, float(np.abs(column).max()))
        np.testing.assert_allclose(other.thermo[0][name], column, rtol=0, atol=loose, err_msg=name)
    frames, others = one.frames("frames"), other.frames("frames")
    assert len(frames) == len(others) > 1
    for frame, against in zip(frames, others, strict=True):
        assert (frame[:, :2] == against[:, :2]).all()
        np.testing.assert_allclose(against[:, 5:8], frame[:, 5:8], rtol=0, atol=1e-8)  # forces
        np.testing.assert_allclose(against[:, 8:10], frame[:, 8:10], rtol=0, atol=2e-6)  # σ
        np.testing.assert_allclose(against[:, 10:], frame[:, 10:], rtol=1e-8, atol=1e-6)  # per-atom energy, stress


@pytest.mark.parametrize("tilt", [0.0, 2.4])
@pytest.mark.parametrize("ranks", [2, 4])
@pytest.mark.parametrize("form", [str, domains])
def test_ranks_agree(tmp_path: Path, server: Server, form: Callable[[str], str], ranks: int, tilt: float) -> None:
    single = simulate(tmp_path / "1", server.endpoint, 1, tilt=tilt)
    assert float(np.ptp(single.thermo[0]["PotEng"])) > 1e-3  # something moved
    assert single.thermo[0]["c_u[1]"].min() > 1e-3
    many = simulate(tmp_path / "n", form(server.endpoint), ranks, tilt=tilt)
    assert ("and others, a domain from each rank" in many.output) == (form is domains)
    assert_same(single, many)


@pytest.mark.parametrize("order", [0, 1, 2])
def test_ranks_agree_on_messages_of_two_interactions(tmp_path: Path, order: int) -> None:
    model = write_hipnn(tmp_path / "messages.mlts", order)
    reach = "comm_modify mode single cutoff 8\n"  # 2 × 3 Å and the skin
    with serve(model) as server:
        single = simulate(tmp_path / "1", server.endpoint, 1, tilt=2.4, box=reach, steps=10)
        assert float(np.ptp(single.thermo[0]["PotEng"])) > 1e-3
        for ranks, endpoint in ((2, domains(server.endpoint)), (4, domains(server.endpoint)), (4, server.endpoint)):
            assert_same(
                single, simulate(tmp_path / f"{ranks}{len(endpoint)}", endpoint, ranks, tilt=2.4, box=reach, steps=10)
            )


BOXES = {
    "a film": "change_box all boundary p p f z final -5 20",
    "a tilted film": "change_box all boundary p p f z final -5 20 triclinic xy final 2",
    "a slab that is open along its second vector": "change_box all boundary p f p y final -3 30 triclinic xz final 1.5",
    "a wire": "change_box all boundary f s p",
    "a droplet": "change_box all boundary s s s",
}


@pytest.mark.parametrize("name", BOXES)
def test_open_boundaries(tmp_path: Path, server: Server, name: str) -> None:
    box = f"{BOXES[name]}\n"
    single = simulate(tmp_path / "1", server.endpoint, 1, box=box, steps=5)
    periodic = simulate(tmp_path / "p", server.endpoint, 1, steps=0)
    assert abs(single.thermo[0]["PotEng"][0] - periodic.thermo[0]["PotEng"][0]) > 1e-3
    for folder, endpoint in (("together", server.endpoint), ("apart", domains(server.endpoint))):
        assert_same(single, simulate(tmp_path / folder, endpoint, 2, box=box, steps=5))


def test_boundaries_that_change_between_runs(tmp_path: Path, server: Server) -> None:
    # The directions of a session are settled when it is opened: another one must take its place.
    water(tmp_path / "water.data")
    head = f"{header(server.endpoint, 'precision double')}{THERMO}"
    done = run(f"{head}run 0\nchange_box all boundary p p f z final -5 20\nrun 0\n", tmp_path, 2)
    film = run(f"{head}change_box all boundary p p f z final -5 20\nrun 0\n", tmp_path, 2)
    assert done.thermo[1]["PotEng"][0] == pytest.approx(film.thermo[0]["PotEng"][0], abs=1e-9)
    assert abs(done.thermo[0]["PotEng"][0] - film.thermo[0]["PotEng"][0]) > 1e-3


def test_two_dimensions_have_no_images_along_z(tmp_path: Path, server: Server) -> None:
    (tmp_path / "flat").mkdir()
    points = [(1.0, 1.0), (1.8, 1.1), (4.0, 3.0), (4.7, 3.3)]
    body = "\n".join(f"create_atoms 1 single {x} {y} 0" for x, y in points)
    energies = []
    for ranks, endpoint in ((1, server.endpoint), (2, server.endpoint), (2, domains(server.endpoint))):
        deck = header(endpoint, "precision double", elements="H").replace(
            "read_data water.data",
            f"dimension 2\nregion r block 0 6 0 6 -0.5 0.5\ncreate_box 1 r\n{body}\nmass 1 1.008",
        )
        energies.append(run(f"{deck}run 0\n", tmp_path / "flat", ranks).thermo[0]["E_pair"][0])
    alone = sum(energies) / 3
    assert energies == pytest.approx([alone] * 3, abs=1e-9)
    assert alone < -10


def test_no_atoms_at_all(tmp_path: Path, server: Server) -> None:
    water(tmp_path / "water.data", per_side=2)
    for ranks, endpoint in ((1, server.endpoint), (2, server.endpoint), (2, domains(server.endpoint))):
        deck = f"{header(endpoint)}{THERMO}delete_atoms group all\nrun 1\n"
        thermo = run(deck, tmp_path, ranks).thermo[0]
        assert thermo["PotEng"][-1] == 0
        assert thermo["c_u[1]"][-1] == 0


@pytest.mark.parametrize("form", [str, domains])
def test_ranks_agree_through_rebuilds_with_a_thin_skin(
    tmp_path: Path, server: Server, form: Callable[[str], str]
) -> None:
    thin = "atom_modify sort 1 0\n"
    skin = "neighbor 0.5 bin\nneigh_modify every 1 delay 0 check yes\n"
    runs = []
    for ranks in (1, 2):
        folder = tmp_path / str(ranks)
        water(folder / "water.data")
        deck = header(form(server.endpoint), "precision double").replace("newton on", f"newton on\n{thin}") + skin
        runs.append(run(f"{deck}{THERMO}{FIXES}timestep 0.0005\nrun 40\n", folder, ranks))
    assert "Neighbor list builds = 0" not in runs[0].output
    assert "Dangerous builds = 0" in runs[0].output
    assert_same(runs[0], runs[1], atol=1e-7)


@pytest.mark.parametrize("form", [str, domains])
def test_ranks_without_atoms(tmp_path: Path, server: Server, form: Callable[[str], str]) -> None:
    # A droplet in one corner of a large box: three of four ranks own nothing for a while, one not even ghosts.
    results = []
    for ranks in (1, 4):
        folder = tmp_path / str(ranks)
        water(folder / "water.data", per_side=2)
        deck = header(form(server.endpoint), "precision double")
        deck += "change_box all x final 0 60 y final 0 60 z final 0 60\n"
        grid = "processors 4 1 1\n" if ranks == 4 else ""
        results.append(run(f"{grid}{deck}{THERMO}{FIXES}run 10\n", folder, ranks))
    assert results[1].output.count("3 0 0 0 0 0 0 0 0 1") >= 1  # histogram of owned atoms
    assert_same(results[0], results[1])


@pytest.mark.parametrize("tilt", [0.0, 2.4])
def test_the_same_frame_through_ase(tmp_path: Path, server: Server, tilt: float) -> None:
    data = water(tmp_path / "water.data", tilt=tilt)
    deck = header(server.endpoint, "precision double") + THERMO + FIXES.replace("velocity", "#")
    done = run(f"{deck}run 0\n", tmp_path, 2)
    atoms = ase.io.read(data, format="lammps-data", atom_style="atomic", units="metal", Z_of_type={1: 1, 2: 8})
    atoms.calc = MLTS(server.endpoint, precision="double")
    thermo = {name: column[0] for name, column in done.thermo[0].items()}
    frame = done.frames("frames")[0]
    assert thermo["PotEng"] == pytest.approx(atoms.get_potential_energy(), rel=1e-12)
    np.testing.assert_allclose(frame[:, 5:8], atoms.get_forces(), rtol=0, atol=1e-9)
    np.testing.assert_allclose(frame[:, 10], atoms.get_potential_energies(), rtol=1e-12)
    pressure = [thermo[f"P{axes}"] for axes in ("xx", "yy", "zz", "yz", "xz", "xy")]  # ASE's order
    np.testing.assert_allclose(pressure, -BAR * atoms.get_stress(), rtol=1e-9, atol=1e-4)
    stresses = -BAR * atoms.get_volume() * atoms.calc.get_property("stresses", atoms)[:, [0, 1, 2, 5, 4, 3]]
    np.testing.assert_allclose(-frame[:, 11:17], stresses, rtol=1e-8, atol=1e-3)
    results = atoms.calc.results
    sigma = results["sigma_forces"]
    assert thermo["c_u[1]"] == pytest.approx(sigma.max(), abs=2e-6)
    assert thermo["c_u[2]"] == pytest.approx(results["sigma_energy"], rel=1e-9)
    assert thermo["c_u[3]"] == pytest.approx(sigma.mean(), abs=2e-6)
    assert thermo["c_u[4]"] == (sigma > 0.3).sum()
    np.testing.assert_allclose(frame[:, 8], sigma, rtol=0, atol=2e-6)
    np.testing.assert_allclose(frame[:, 9], results["sigma_energies"], rtol=1e-9)


def test_atoms_sum_to_the_whole(tmp_path: Path, server: Server) -> None:
    sums = """
compute e all reduce sum c_ea
compute s all reduce sum c_sa[1] c_sa[2] c_sa[3] c_sa[4] c_sa[5] c_sa[6]
compute c all reduce sum c_ca[1] c_ca[2] c_ca[3] c_ca[4] c_ca[5] c_ca[6] c_ca[7] c_ca[8] c_ca[9]
thermo_style custom step pe pxx pyy pzz pxy pxz pyz vol c_e c_s[*] c_c[*]
thermo_modify format float %.15g
"""
    water(tmp_path / "water.data", tilt=1.5)
    fixes = FIXES.replace("velocity", "#")
    done = run(f"{header(server.endpoint, 'precision double')}{fixes}{sums}run 0\n", tmp_path, 2)
    thermo = {name: column[0] for name, column in done.thermo[0].items()}
    assert thermo["c_e"] == pytest.approx(thermo["PotEng"], rel=1e-12)
    for place, axes in enumerate(("xx", "yy", "zz", "xy", "xz", "yz"), 1):
        assert -thermo[f"c_s[{place}]"] / thermo["Volume"] == pytest.approx(thermo[f"P{axes}"], rel=1e-9, abs=1e-3)
        assert thermo[f"c_c[{place}]"] == pytest.approx(thermo[f"c_s[{place}]"], rel=1e-6, abs=10)
    for above, below in ((4, 7), (5, 8), (6, 9)):  # the whole is symmetric, though no atom's share is
        assert thermo[f"c_c[{above}]"] == pytest.approx(thermo[f"c_c[{below}]"], rel=1e-6, abs=10)
    frame = done.frames("frames")[0]
    assert np.abs(frame[:, 20] - frame[:, 23]).max() > 1e3


def test_real_and_metal_agree(tmp_path: Path, server: Server) -> None:
    metal = simulate(tmp_path / "metal", server.endpoint, 1, steps=0)
    water(tmp_path / "real" / "water.data")
    deck = header(server.endpoint, f"precision double threshold {0.3 * KCAL_PER_MOL}", units="real")
    real = run(f"{deck}{THERMO}{FIXES}velocity all set 0 0 0\nrun 0\n", tmp_path / "real", 2)
    here, there = metal.thermo[0], real.thermo[0]
    for name in ("PotEng", "c_u[1]", "c_u[2]", "c_u[3]"):
        assert there[name][0] == pytest.approx(KCAL_PER_MOL * here[name][0], rel=2e-6)
    assert there["c_u[4]"][0] == here["c_u[4]"][0] > 0
    one, other = metal.frames("frames")[0], real.frames("frames")[0]
    np.testing.assert_allclose(other[:, 5:8], KCAL_PER_MOL * one[:, 5:8], rtol=0, atol=1e-6)
    np.testing.assert_allclose(other[:, 8:11], KCAL_PER_MOL * one[:, 8:11], rtol=1e-9, atol=1e-4)


def test_the_default_threshold_is_the_same_in_both_units(tmp_path: Path, server: Server) -> None:
    counts = []
    for units in ("metal", "real"):
        water(tmp_path / units / "water.data")
        deck = header(server.endpoint, units=units) + THERMO
        counts.append(run(f"{deck}run 0\n", tmp_path / units).thermo[0]["c_u[4]"][0])
    assert counts[0] == counts[1] > 0


@pytest.mark.parametrize("tilt", [0.0, 1.5])
def test_forces_are_the_slope_of_the_energy(tmp_path: Path, server: Server, tilt: float) -> None:
    water(tmp_path / "water.data", per_side=2, tilt=tilt)
    deck = f"""{header(server.endpoint, "precision double")}
fix nd all numdiff 1 1e-5
variable off atom sqrt((fx-f_nd[1])^2+(fy-f_nd[2])^2+(fz-f_nd[3])^2)
compute worst all reduce max v_off
compute largest all reduce max fx
thermo_style custom step pe c_worst c_largest
run 0
"""
    thermo = run(deck, tmp_path, 2).thermo[0]
    assert thermo["c_largest"][0] > 0.1
    # CELU's curvature jumps at zero: a neuron that passes it costs a difference the displacement times that jump.
    assert thermo["c_worst"][0] < 1e-5


@pytest.mark.parametrize("tilt", [0.0, 1.5])
def test_the_virial_is_the_slope_of_the_energy(tmp_path: Path, server: Server, tilt: float) -> None:
    # The box is longer than twice the displaced strip, as fix numdiff/virial wants it.
    water(tmp_path / "water.data", tilt=tilt)
    deck = f"""{header(server.endpoint, "precision double")}
fix nd all numdiff/virial 1 1e-4
thermo_style custom step temp pe pxx pyy pzz pyz pxz pxy f_nd[*]
thermo_modify format float %.15g
run 0
"""
    done = run(deck, tmp_path, 2)
    assert "fix numdiff/virial moves ghost atoms by themselves, so each rank sends a domain" in done.output
    thermo = {name: column[0] for name, column in done.thermo[0].items()}
    analytic = np.array([thermo[f"P{axes}"] for axes in ("xx", "yy", "zz", "yz", "xz", "xy")])
    numeric = np.array([thermo[f"f_nd[{k}]"] for k in range(1, 7)])
    assert np.abs(analytic).max() > 1e3
    np.testing.assert_allclose(numeric, analytic, rtol=1e-5, atol=2.0)


def test_heat_flux_moves_the_centre_of_energy(tmp_path: Path, server: Server) -> None:
    # For a droplet, J = d/dt Σ r_i e_i exactly. That holds only if each atom's virial is the share that the
    # neighbours' energies give it, in the order that compute heat/flux reads.
    water(tmp_path / "water.data", per_side=2)
    deck = f"""{header(server.endpoint, "precision double")}
change_box all x final -10 20 y final -10 20 z final -10 20
velocity all create 2000 4711 loop geom
fix 1 all nve
timestep 0.00002
compute ke all ke/atom
compute pe all pe/atom
compute sa all centroid/stress/atom NULL virial
compute J all heat/flux ke pe sa
variable ex atom x*(c_ke+c_pe+500)
variable ey atom y*(c_ke+c_pe+500)
variable ez atom z*(c_ke+c_pe+500)
variable px atom vx*500
variable py atom vy*500
variable pz atom vz*500
compute E all reduce sum v_ex v_ey v_ez
compute P all reduce sum v_px v_py v_pz
thermo 1
thermo_style custom step c_J[1] c_J[2] c_J[3] c_E[1] c_E[2] c_E[3] c_P[1] c_P[2] c_P[3]
thermo_modify format float %.15g
run 20
"""
    thermo = run(deck, tmp_path, 2).thermo[0]
    # 500 eV an atom are added so that the large self energies do not hide the rest; Σ v_i of them is taken off again.
    for k in (1, 2, 3):
        moved = np.gradient(thermo[f"c_E[{k}]"], 0.00002)[1:-1] - thermo[f"c_P[{k}]"][1:-1]
        flux = thermo[f"c_J[{k}]"][1:-1]
        assert np.abs(flux).max() > 1
        np.testing.assert_allclose(moved, flux, rtol=2e-3, atol=2e-3 * np.abs(flux).max())
