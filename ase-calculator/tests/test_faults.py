"""Faults that the real server cannot be brought to: silence, garbage, lies, a model swapped under its name."""

import random
import threading
import time
from collections.abc import Iterator
from typing import Any

import msgpack
import numpy as np
import pytest
import zmq
from ase import Atoms
from ase.build import molecule
from mlts_ase import MLTS, MltsError
from stub import MODEL, Message, Stub, error


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub() as server:
        yield server


@pytest.fixture
def water(stub: Stub) -> Iterator[Atoms]:
    atoms = molecule("H2O")
    with MLTS(stub.endpoint, timeout=2) as atoms.calc:
        yield atoms


def only(stub: Stub, kind: str, reply: Any) -> None:
    """Have every request of one type answered by `reply`, a value or a function of the request."""
    give = reply if callable(reply) else lambda _request: reply
    stub.fault = lambda request: give(request) if request["type"] == kind else stub.answer(request)


def fails(atoms: Atoms, code: str, within: float = 5.0) -> MltsError:
    started = time.monotonic()
    with pytest.raises(MltsError) as caught:
        atoms.get_forces()
    assert caught.value.code == code
    assert time.monotonic() - started < within
    assert not atoms.calc.results
    return caught.value


def test_a_silent_server_is_a_timeout_that_names_it(stub: Stub, water: Atoms) -> None:
    water.calc.set(timeout=0.3)
    only(stub, "evaluate", None)
    raised = fails(water, "E_TIMEOUT", within=1.0)
    assert stub.endpoint in raised.what
    assert "0.3 s" in raised.what
    assert raised.remedy


def test_a_late_answer_is_not_taken_for_the_next(stub: Stub, water: Atoms) -> None:
    water.calc.set(timeout=0.3)
    late: list[Message] = []
    only(stub, "evaluate", late.append)
    fails(water, "E_TIMEOUT")
    stub.fault = lambda request: [] if request["type"] == "ping" else stub.answer(request)
    stale = msgpack.packb({"id": late[0]["id"], **stub.answer(late[0]), "energy": 1e6})
    only(stub, "evaluate", lambda request: stale if request["id"] == late[0]["id"] else stub.answer(request))
    assert water.get_potential_energy() < 100


def test_no_server_is_no_connection() -> None:
    with Stub() as stub:
        endpoint = stub.endpoint
    water = molecule("H2O")
    water.calc = MLTS(endpoint, timeout=0.5)
    assert endpoint in fails(water, "E_CONNECT", within=2.0).what


def test_a_descriptor_used_again_before_its_old_monitor_is_gone(stub: Stub, water: Atoms) -> None:
    old: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.PAIR)
    with old:
        for descriptor in range(1024):
            old.bind(f"inproc://monitor.s-{descriptor}")
        with MLTS(stub.endpoint) as calc:
            assert np.isfinite(calc.get_property("energy", water))


def test_a_server_that_dies_while_it_owes_an_answer_is_seen_at_once(stub: Stub, water: Atoms) -> None:
    water.calc.set(timeout=60)
    only(stub, "evaluate", lambda _request: threading.Timer(0.2, stub.stop).start())
    assert "closed the connection" in fails(water, "E_CONNECT", within=2.0).what


def test_a_peer_that_is_no_mlts_server(stub: Stub, water: Atoms) -> None:
    stub.fault = lambda _request: b"HTTP/1.1 400 Bad Request"
    fails(water, "E_PROTOCOL")


@pytest.mark.parametrize(
    "endpoint", ["127.0.0.1:5588", "tcp://127.0.0.1", "tcp://127.0.0.1:notaport", "", "carrier-pigeon://loft"]
)
def test_what_is_no_endpoint(endpoint: str) -> None:
    water = molecule("H2O")
    water.calc = MLTS(endpoint, timeout=1)
    fails(water, "E_ADDRESS")


def test_another_version_is_refused(stub: Stub, water: Atoms) -> None:
    only(stub, "hello", lambda request: {**stub.answer(request), "version": 2})
    fails(water, "E_VERSION")


def test_a_reclaimed_session_is_opened_again_unseen(stub: Stub, water: Atoms) -> None:
    water.get_forces()
    stub.forget_sessions()
    water.rattle(0.01)
    forces = water.get_forces()
    assert [request["type"] for request in stub.requests].count("open") == 2
    assert np.isfinite(forces).all()


def test_sessions_that_never_last_are_an_error(stub: Stub, water: Atoms) -> None:
    only(stub, "evaluate", error("E_SESSION", "session 1 is not open"))
    fails(water, "E_SESSION")


def test_a_model_swapped_during_a_run_is_refused(stub: Stub, water: Atoms) -> None:
    water.get_forces()
    only(stub, "evaluate", lambda request: {**stub.answer(request), "sha256": "6" * 64})
    water.rattle(0.01)
    raised = fails(water, "E_HASH")
    assert "555555555555" in raised.what
    assert "666666666666" in raised.what


def test_a_reopened_session_insists_on_the_model(stub: Stub, water: Atoms) -> None:
    water.get_forces()
    stub.forget_sessions()
    water.rattle(0.01)
    water.get_forces()
    first, second = (request for request in stub.requests if request["type"] == "open")
    assert "sha256" not in first
    assert second["sha256"] == MODEL["sha256"]


def test_a_busy_server_is_asked_again(stub: Stub, water: Atoms) -> None:
    busy = iter([error("E_BUSY")] * 3)
    only(stub, "evaluate", lambda request: next(busy, None) or stub.answer(request))
    assert np.isfinite(water.get_potential_energy())
    assert [request["type"] for request in stub.requests].count("evaluate") == 4


def test_a_server_busy_for_ever_is_an_error_in_time(stub: Stub, water: Atoms) -> None:
    water.calc.set(timeout=0.5)
    only(stub, "evaluate", error("E_BUSY", "the queue is full"))
    fails(water, "E_BUSY", within=1.5)


def test_a_non_finite_result_stops_the_run(stub: Stub, water: Atoms) -> None:
    only(stub, "evaluate", lambda request: {**stub.answer(request), "forces": np.full((3, 3), np.nan).tobytes()})
    fails(water, "E_NONFINITE")


def test_an_error_keeps_its_atom(stub: Stub, water: Atoms) -> None:
    only(stub, "evaluate", error("E_OVERLAP", "atoms 1 and 2 are 0.01 Å apart", atom=1))
    assert fails(water, "E_OVERLAP").atom == 1


def test_a_code_of_a_newer_server_is_still_typed(stub: Stub, water: Atoms) -> None:
    only(stub, "evaluate", error("E_FUTURE", "something new"))
    assert "E_FUTURE" in fails(water, "E_PROTOCOL").what


def test_batches_keep_to_the_limits_of_the_server() -> None:
    with Stub(limits={"max_atoms": 10, "max_bytes": 1 << 20, "max_depth": 8}) as stub, MLTS(stub.endpoint) as calc:
        assert len(calc.calculate_many([molecule("H2O")] * 8)) == 8
        sizes = [len(request["systems"]) for request in stub.requests if "systems" in request]
        assert sizes == [3, 3, 2]


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
def test_replies_with_random_damage_give_results_or_a_typed_error(stub: Stub) -> None:
    rng = random.Random(2)

    def damaged(request: Message) -> bytes:
        frame = bytearray(msgpack.packb({"id": request["id"], **stub.answer(request)}))
        if rng.random() < 0.5:
            frame[rng.randrange(len(frame))] = rng.randrange(256)
        return bytes(frame)

    stub.fault = damaged
    outcomes = {"results": 0, "errors": 0}
    for seed in range(400):
        water = molecule("H2O", cell=[6, 6, 6], pbc=True)
        water.rattle(0.05, seed=seed)
        with MLTS(stub.endpoint, timeout=0.05) as water.calc:
            try:
                water.get_stress()
                water.calc.calculate_many([water, water])
                assert isinstance(water.calc.model, dict)
                outcomes["results"] += 1
            except MltsError:
                outcomes["errors"] += 1
    assert min(outcomes.values()) > 10
