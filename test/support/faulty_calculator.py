"""A calculator for tests of executors: an energy for helium, and faults for what other elements stand for."""

import os
import signal
import time
from pathlib import Path
from typing import Any, ClassVar

from ase.calculators.calculator import Calculator, all_changes

NEON, ARGON, KRYPTON = 10, 18, 36


class Faulty(Calculator):  # type: ignore[misc]
    """He: E = 1 eV after ``seconds``. Ne kills its worker (``fatal``: or itself), Ar does so once, Kr never ends.

    Each call appends the atomic number and the x of the last atom to ``log``.
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "forces"]

    def __init__(self, log: str, seconds: float = 0.0, fatal: str = "worker") -> None:
        super().__init__()
        self.log = Path(log)
        self.seconds = seconds
        self.fatal = fatal

    def calculate(self, atoms: Any = None, properties: Any = None, system_changes: Any = all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        number = int(atoms.numbers[-1])
        line = f"{number} {atoms.positions[-1][0]:.3f}\n"
        before = self.log.read_text() if self.log.exists() else ""
        with self.log.open("a") as log:
            log.write(line)
        if number == NEON or (number == ARGON and line not in before):
            os.kill(os.getppid() if self.fatal == "worker" else os.getpid(), signal.SIGKILL)
            # Without its worker this process has nobody to answer.
            os._exit(1)
        if number == KRYPTON:
            time.sleep(3600)
        time.sleep(self.seconds)
        self.results = {"energy": 1.0, "forces": 0.0 * atoms.positions}
