"""Labels structures with any ASE calculator: the worker process behind ``mlts learn``'s engine ``ase``.

``python -m mlts_ase.label`` reads JSON Lines from stdin and answers each on stdout. First comes what computes::

    {"calculator": "tblite.ase.TBLite", "arguments": {"method": "GFN2-xTB"}}

answered by ``{"ready": true, "program": "tblite 0.8.0"}`` or ``{"error": "...", "module": "tblite"}``; then
structures::

    {"numbers": [n], "positions": [3n], "cell": [9] or null, "pbc": [3], "output": "a file"}

each answered by ``{"energy": eV, "forces": [3n] eV/Å, "virial": [9] eV or null}`` or by
``{"failure": kind, "what": "..."}``.
What a calculator prints goes to the file ``output``; nothing but answers is written to stdout.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import math
import os
import sys
import traceback
from typing import Any

from ase import Atoms
from ase.calculators.calculator import (
    CalculationFailed,
    Calculator,
    CalculatorSetupError,
    PropertyNotImplementedError,
    SCFError,
)


def program_of(module: str) -> str:
    """Name and version of the package that a module belongs to."""
    package = module.split(".")[0]
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return package


def create(path: str, arguments: dict[str, Any]) -> Calculator:
    """The calculator of a class or function, ``package.module.Name``, called with keyword arguments."""
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)(**arguments)


def virial_of(atoms: Atoms) -> list[float] | None:
    """W = −V σ, [9] eV, of a cell in three dimensions whose calculator knows the stress; else None."""
    if not all(atoms.pbc):
        return None
    try:
        stress = atoms.get_stress(voigt=False)
    except (PropertyNotImplementedError, NotImplementedError):
        return None
    return [float(x) for x in (-atoms.get_volume() * stress).ravel()]


def failure(error: BaseException) -> dict[str, Any]:
    """Why there is no label, in the kinds of mlts."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    text = lines[0]
    low = str(error).lower()
    if isinstance(error, SCFError) or "converge" in low:
        kind = "not-converged"
    elif isinstance(error, (CalculatorSetupError, NotImplementedError, KeyError)):
        kind = "refused"
    elif isinstance(error, FloatingPointError):
        kind = "unphysical"
    else:
        kind = "crashed"
    if isinstance(error, CalculationFailed) and len(lines) > 1:
        text = lines[-1]
    return {"failure": kind, "what": f"{type(error).__name__}: {text}"}


def label(calculator: Calculator, request: dict[str, Any]) -> dict[str, Any]:
    """Energy, forces and virial of one structure, or why there are none."""
    cell = request["cell"]
    positions = request["positions"]
    atoms = Atoms(
        numbers=request["numbers"],
        positions=[positions[k : k + 3] for k in range(0, len(positions), 3)],
        cell=None if cell is None else [cell[k : k + 3] for k in range(0, 9, 3)],
        pbc=request["pbc"],
    )
    atoms.calc = calculator
    try:
        energy = float(atoms.get_potential_energy())
        forces = [float(x) for x in atoms.get_forces().ravel()]
        virial = virial_of(atoms)
    except Exception as error:
        # Whatever a calculator throws is this structure's failure, and is told.
        traceback.print_exc()
        return failure(error)
    values = [energy, *forces, *(virial or [])]
    if not all(math.isfinite(value) for value in values):
        return {"failure": "unphysical", "what": "energy, forces or stress are not finite"}
    return {"energy": energy, "forces": forces, "virial": virial}


def redirect(file: str | None) -> None:
    """Sends what C, Fortran and Python print to a file, or nowhere."""
    sys.stdout.flush()
    sys.stderr.flush()
    target = os.open(file or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(target, 1)
    os.dup2(target, 2)
    os.close(target)


def main() -> None:
    # Answers go to a copy of stdout: its own number is the calculators'.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")

    def answer(value: dict[str, Any]) -> None:
        answers.write(json.dumps(value) + "\n")
        answers.flush()

    setting = json.loads(sys.stdin.readline())
    path = setting["calculator"]
    redirect(None)
    try:
        calculator = create(path, setting.get("arguments", {}))
    except ImportError as error:
        answer({"error": f"{path}: {error}", "module": error.name or path.split(".")[0]})
        return
    except Exception as error:
        answer({"error": f"{path}: {type(error).__name__}: {error}", "module": None})
        return
    answer({"ready": True, "program": getattr(calculator, "program", None) or program_of(path)})
    for line in sys.stdin:
        request = json.loads(line)
        redirect(request.get("output"))
        result = label(calculator, request)
        redirect(None)
        answer(result)


if __name__ == "__main__":
    main()
