"""CURVE: who is let in, who is not, and what a key file that is none gets."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ase.build import molecule
from live_server import Server
from mlts_ase import MLTS, MltsError
from mlts_ase.daemon import find_command

KEY = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"  # of the Z85 specification's own example


@pytest.fixture
def keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MLTS_KEYS", str(tmp_path / "server-keys"))
    return tmp_path


def mlts_keys(*args: str | Path) -> str:
    command = [*find_command(), "keys", *(str(arg) for arg in args)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def guarded(start: Callable[..., Server]) -> str:
    """A server that needs keys; returns its endpoint as this machine reaches it."""
    return start(bind="tcp://0.0.0.0:*").endpoint.replace("0.0.0.0", "127.0.0.1")


def fails(endpoint: str, keys: Path | None, code: str) -> MltsError:
    started = time.monotonic()
    with MLTS(endpoint, keys=keys, timeout=3) as calc, pytest.raises(MltsError) as caught:
        calc.get_property("energy", molecule("H2O"))
    assert time.monotonic() - started < 5
    assert caught.value.code == code
    return caught.value


def test_an_allowed_client_gets_answers(keyring: Path, start: Callable[..., Server]) -> None:
    mine = keyring / "client.json"
    public = mlts_keys("generate", mine, "--server", mlts_keys("generate"))
    endpoint = guarded(start)
    fails(endpoint, mine, "E_KEYS")
    mlts_keys("allow", public, "--name", "me")
    with MLTS(endpoint, keys=mine) as calc:
        assert np.isfinite(calc.get_property("forces", molecule("H2O"))).all()
        assert calc.parameters["keys"] == str(mine)


def test_a_stranger_is_refused_in_time(keyring: Path, start: Callable[..., Server]) -> None:
    server_key = mlts_keys("generate")
    stranger, misled = keyring / "stranger.json", keyring / "misled.json"
    mlts_keys("generate", stranger, "--server", server_key)
    mlts_keys("allow", mlts_keys("generate", misled, "--server", KEY))
    endpoint = guarded(start)
    assert "public key" in fails(endpoint, stranger, "E_KEYS").remedy
    assert "CURVE" in fails(endpoint, None, "E_CONNECT").remedy
    assert "public key" in fails(endpoint, misled, "E_CONNECT").remedy


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        json.dumps({"server": KEY, "public": KEY}),
        json.dumps(dict.fromkeys(("server", "public", "secret"), KEY[1:])),
    ],
    ids=["empty", "list", "nothing", "no secret", "short"],
)
def test_what_is_no_key_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "client.json"
    path.write_text(text)
    assert str(path) in fails("tcp://127.0.0.1:1", path, "E_KEYS").what


def test_a_missing_key_file_is_refused(tmp_path: Path) -> None:
    fails("tcp://127.0.0.1:1", tmp_path / "none.json", "E_KEYS")
