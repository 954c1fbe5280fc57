"""`mlts serve` in a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess

from mlts_ase.daemon import find_command


class Server:
    """A running server on a free port of loopback, or on `bind`."""

    def __init__(self, *models: str, bind: str = "tcp://127.0.0.1:*") -> None:
        command = [*find_command(), "serve", *models, "--bind", bind, "--json"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{' '.join(command)} did not start: {self.process.communicate()[1]}")
        self.endpoint: str = json.loads(line)["endpoints"][0]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.resume()
            self.process.terminate()
        self.process.communicate()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()
