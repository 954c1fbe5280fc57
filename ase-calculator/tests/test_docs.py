"""The Python in docs/ase.md runs as printed, against a server with the embedded model."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from live_server import Server

PAGE = Path(__file__).parents[2] / "docs" / "ase.md"
SNIPPETS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.fixture(scope="module")
def embedded() -> Iterator[Server]:
    with Server() as server:
        yield server


def test_there_are_snippets() -> None:
    assert len(SNIPPETS) == 4


@pytest.mark.parametrize("snippet", SNIPPETS, ids=range(len(SNIPPETS)))
def test_snippet_runs(snippet: str, embedded: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(snippet.replace("tcp://127.0.0.1:5588", embedded.endpoint), {})
