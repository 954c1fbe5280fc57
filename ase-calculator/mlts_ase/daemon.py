"""A private `mlts serve`: started for one Python process, gone with it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import weakref
from pathlib import Path
from typing import Any

from .errors import CODES, MltsError

_STOP_SECONDS = 5.0


class Daemon:
    """A server on an ipc socket in a private folder.

    It reads its standard input and stops when that ends, so it dies with this process however that dies. It belongs
    to the process that started it: a pickled or forked copy only knows the endpoint.

    Parameters
    ----------
    model : model file or name; None takes the model that is embedded in mlts
    """

    def __init__(self, model: str | None) -> None:
        self.model = model
        self.owner = os.getpid()
        # The path of a socket has at most 107 bytes on Linux and 103 on macOS.
        self._folder = tempfile.mkdtemp(prefix="mlts-", dir="/tmp" if len(tempfile.gettempdir()) > 80 else None)
        self.endpoint = f"ipc://{self._folder}/server"
        self._log = Path(self._folder, "log")
        models = [] if model is None else [os.path.abspath(model) if os.path.isfile(model) else model]
        command = [*find_command(), "serve", *models, "--bind", self.endpoint, "--exit-with-parent"]
        try:
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C is meant for the calculation, not for its server
                )
        except OSError as error:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise MltsError(
                "E_UNAVAILABLE", f"`{shlex.join(command)}` does not start ({error})", "Correct $MLTS_COMMAND."
            ) from error
        self.stop = weakref.finalize(self, _stop, self._process, self._folder, self.owner)
        _running.add(self)

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self._process.pid

    def check(self) -> None:
        """Raise what the server said last if it is no longer running."""
        if os.getpid() != self.owner or self._process.poll() is None:
            return
        lines = self._log.read_text(errors="replace").strip().splitlines() if self._log.exists() else []
        for line in reversed(lines):
            code, _, rest = line.partition(": ")
            if code in CODES:
                what, _, remedy = rest.partition(". ")
                raise MltsError(code, what, remedy or "See `mlts serve --help`.")
        said = f": {lines[-1]}" if lines else ""
        raise MltsError(
            "E_CONNECT",
            f"the private server stopped with exit code {self._process.returncode}{said}",
            "Run `mlts serve` by hand to see why.",
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> Daemon:
        return self  # copies of a calculator share the server

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (self.endpoint,)  # in another process only the endpoint is of use


def find_command() -> list[str]:
    """The `mlts` command: $MLTS_COMMAND, else on PATH, else the checkout that holds this package or its environment."""
    if command := os.environ.get("MLTS_COMMAND"):
        return shlex.split(command)
    if found := shutil.which("mlts"):
        return [found]
    node = shutil.which("node")
    roots = (Path(__file__).resolve().parents[2], Path(sys.prefix).resolve().parent)
    for root in roots:
        main = root / "dist" / "cli" / "main.js"
        if node is not None and main.exists():
            return [node, str(main)]
    raise MltsError(
        "E_UNAVAILABLE",
        "no `mlts` command to start a server with (looked at $MLTS_COMMAND, PATH and the checkout's dist/cli/main.js)",
        "Install mlts (`npm install -g mlts`), build the checkout, or set MLTS_COMMAND.",
    )


def _stop(process: subprocess.Popen[bytes], folder: str, owner: int) -> None:
    if os.getpid() != owner:
        return  # a forked child inherits the finalizer, not the server
    assert process.stdin is not None
    process.stdin.close()
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    shutil.rmtree(folder, ignore_errors=True)


def _leave_parent() -> None:
    """In a forked child: let go of the pipes that hold the parent's servers alive."""
    for reference in list(_running):
        stdin = reference._process.stdin
        if stdin is not None:
            stdin.close()


_running: weakref.WeakSet[Daemon] = weakref.WeakSet()
os.register_at_fork(after_in_child=_leave_parent)
