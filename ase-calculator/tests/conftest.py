"""Real servers for the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from live_server import Server
from synthetic import write_model


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small H C N O ensemble with random weights."""
    return write_model(tmp_path_factory.mktemp("models") / "synthetic.mlts")


@pytest.fixture(scope="session")
def server(model: Path) -> Iterator[Server]:
    """A server that all tests share and none may harm."""
    with Server(str(model)) as running:
        yield running
        assert running.process.poll() is None, f"the shared server ended with {running.process.poll()}"


@pytest.fixture
def start(model: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers of one test, which may do with them what it likes."""
    running: list[Server] = []

    def start_one(*models: str | Path, **options: str) -> Server:
        running.append(Server(*(str(name) for name in models or [model]), **options))
        return running[-1]

    yield start_one
    for one in running:
        one.stop()
