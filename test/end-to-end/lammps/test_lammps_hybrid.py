"""mlts beside other pair styles: forces add up, foreign types stay out, stolen type pairs are refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from decks import DEFAULT_MODEL, THERMO, WAYS, Run, Server, header, run, serve, water

DUMP = """
fix ps all pair 1 mlts sigma_f 1
compute ea all pe/atom
compute sa all stress/atom NULL
dump d all custom 1 frames id type x y z fx fy fz f_ps c_ea c_sa[*]
dump_modify d sort id format float %.15g
run 0
"""
LENNARD_JONES = "pair_style lj/cut 8.0\npair_coeff * * 0.001 2.0\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve(DEFAULT_MODEL) as running:
        yield running


def deck(server: Server, folder: Path, style: str) -> str:
    water(folder / "water.data")
    plain = header(server.endpoint)
    before, after = plain.split("pair_style", 1)
    return before + style + "thermo_modify" + after.split("thermo_modify", 1)[1]


def frame(done: Run) -> np.ndarray:
    return done.frames("frames")[0]


@pytest.mark.parametrize("way", WAYS)
def test_overlay_is_the_sum_of_its_parts(tmp_path: Path, server: Server, way: str) -> None:
    ranks, form = WAYS[way]
    mlts = f"mlts {form(server.endpoint)} precision double"
    alone = run(deck(server, tmp_path, f"pair_style {mlts}\npair_coeff * * H O\n") + THERMO + DUMP, tmp_path, ranks)
    with_mlts = frame(alone)
    no_sigma = DUMP.replace("fix ps", "#").replace("f_ps", "type")
    with_lj = frame(run(deck(server, tmp_path, LENNARD_JONES) + no_sigma, tmp_path, ranks))
    both = f"pair_style hybrid/overlay {mlts} lj/cut 8.0\npair_coeff * * mlts H O\npair_coeff * * lj/cut 0.001 2.0\n"
    overlay = run(deck(server, tmp_path, both) + THERMO + DUMP, tmp_path, ranks)
    together = frame(overlay)
    np.testing.assert_allclose(together[:, 5:8], with_mlts[:, 5:8] + with_lj[:, 5:8], rtol=0, atol=1e-9)
    np.testing.assert_allclose(together[:, 9:], with_mlts[:, 9:] + with_lj[:, 9:], rtol=1e-9, atol=1e-5)
    np.testing.assert_allclose(together[:, 8], with_mlts[:, 8], rtol=0, atol=2e-6)
    for name in ("c_u[1]", "c_u[2]", "c_u[3]"):
        assert overlay.thermo[0][name][0] == pytest.approx(alone.thermo[0][name][0], abs=2e-6)


@pytest.mark.parametrize("way", WAYS)
def test_types_of_other_styles_stay_out(tmp_path: Path, server: Server, way: str) -> None:
    ranks, form = WAYS[way]
    # The last water becomes types 3 and 4, which Lennard-Jones owns; what is left must be that of a box without it.
    split = "group last id 79 80 81\nset group last type/fraction 3 1.0 1\nset atom 79 type 4\n"
    style = (
        f"pair_style hybrid mlts {form(server.endpoint)} precision double lj/cut 9.0\n"
        "pair_coeff * * mlts H O NULL NULL\n"
        "pair_coeff 1*4 3*4 lj/cut 0.0 1.0\n"
    )
    start = deck(server, tmp_path, style).replace("read_data water.data", "read_data water.data extra/atom/types 2")
    mixed = run(
        start.replace("pair_style", f"mass 3 1.008\nmass 4 15.999\n{split}pair_style") + THERMO + DUMP, tmp_path, ranks
    )
    plain = f"pair_style mlts {server.endpoint} precision double\npair_coeff * * H O\n"
    without = deck(server, tmp_path, plain).replace(
        "pair_style", "group last id 79 80 81\ndelete_atoms group last\npair_style"
    )
    cut = run(without + THERMO + DUMP, tmp_path, ranks)
    np.testing.assert_allclose(frame(mixed)[:78, 5:10], frame(cut)[:, 5:10], rtol=0, atol=1e-8)
    assert (frame(mixed)[78:, 5:10] == 0).all()
    assert mixed.thermo[0]["PotEng"][0] == pytest.approx(cut.thermo[0]["PotEng"][0], abs=1e-8)
    assert mixed.thermo[0]["c_u[3]"][0] == pytest.approx(
        cut.thermo[0]["c_u[3]"][0], abs=2e-6
    )  # a mean over mlts' atoms
    assert mixed.thermo[0]["Pxx"][0] == pytest.approx(cut.thermo[0]["Pxx"][0], abs=1e-4)


def test_a_type_pair_that_another_style_took_is_refused(tmp_path: Path, server: Server) -> None:
    style = f"pair_style hybrid mlts {server.endpoint} lj/cut 8.0\npair_coeff * * mlts H O\n"
    style += "pair_coeff 1 2 lj/cut 0.001 2.0\n"
    done = run(deck(server, tmp_path, style) + "run 0\n", tmp_path, 2, fails=True)
    assert "pair_style hybrid gives types 1 and 2 to another style, but mlts needs all pairs of its types" in done.error


def test_two_models_at_once(tmp_path: Path, server: Server) -> None:
    double = f"mlts {server.endpoint} precision double"
    style = (
        f"pair_style hybrid/scaled 0.25 {double} 0.75 {double}\npair_coeff * * mlts 1 H O\npair_coeff * * mlts 2 H O\n"
    )
    plain = f"pair_style {double}\npair_coeff * * H O\n"
    one = run(deck(server, tmp_path, plain) + "run 0\n", tmp_path)
    two = run(deck(server, tmp_path, style) + "compute u all pair mlts 2\nrun 0\n", tmp_path)
    assert two.thermo[0]["E_pair"][0] == pytest.approx(one.thermo[0]["E_pair"][0], rel=1e-12)
