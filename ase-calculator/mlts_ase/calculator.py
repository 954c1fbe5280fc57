"""The ASE calculator: properties of ASE on one side, a session of the mlts protocol on the other.

The server's units are ASE's (Å, eV), so nothing is converted but the virial: stress = −W/V in Voigt order.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Literal, overload

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.outputs import Properties, all_outputs
from ase.stress import full_3x3_to_voigt_6_stress
from numpy.typing import NDArray

from .codec import array, number
from .daemon import Daemon
from .errors import MltsError
from .keys import read_keys
from .session import Choice, Reply, Session

# What each step asks for, and what costs more and is asked for by name.
_WANT = ("forces", "energies", "sigma", "member_energies")
_EXTRA_WANT = {"stresses": "virials", "forces_comm": "member_forces", "forces_var": "member_forces"}


class MLTS(Calculator):  # type: ignore[misc]
    """Energies, forces, stress and uncertainty of an ensemble that an mlts server holds.

    Results, for n atoms and M members (every spread is over members, ddof 1): `energy`, `free_energy` eV;
    `energies` [n] eV; `forces` [n,3] eV/Å; `stress` [6] eV/Å³ in the order xx,yy,zz,yz,xz,xy, with three cell vectors;
    `energy_comm` [M] eV; `energy_var` eV²; `sigma_energy` eV; `rho` = sigma_energy/√n eV; `sigma_energies` [n] eV;
    `sigma_forces` [n] = √(Σ_xyz var) eV/Å; `max_sigma_force` eV/Å. Asked for by name: `stresses` [n,6] eV/Å³, which
    sum to `stress`; `forces_comm` [M,n,3] eV/Å; `forces_var` [n,3] (eV/Å)².

    Threads that share a calculator take turns. A pickled or forked copy connects anew.
    """

    implemented_properties: ClassVar[list[str]] = [
        *("energy", "free_energy", "energies", "forces", "stress", "stresses"),
        *("energy_comm", "energy_var", "sigma_energy", "rho", "sigma_energies"),
        *("forces_comm", "forces_var", "sigma_forces", "max_sigma_force"),
    ]
    ignored_changes: ClassVar[set[str]] = {"initial_charges", "initial_magmoms"}
    default_parameters: ClassVar[dict[str, Any]] = {
        "endpoint": None,
        "model": None,
        "precision": "single",
        "members": False,
        "timeout": 60.0,
        "keys": None,
    }
    atoms: Atoms | None
    results: dict[str, Any]

    def __init__(
        self,
        endpoint: str | None = None,
        model: str | os.PathLike[str] | None = None,
        *,
        precision: str = "single",
        members: bool = False,
        timeout: float = 60.0,
        keys: str | os.PathLike[str] | None = None,
    ) -> None:
        """Nothing is connected or started before the first evaluation.

        Parameters
        ----------
        endpoint : address of a running server, `tcp://host:port` or `ipc:///path`. Without it a private server is
            started for `model` and stopped with this process.
        model : name of a model the server holds; may be omitted where it holds one. For a private server a `.mlts`
            file or a name; by default the model embedded in mlts
        precision : arithmetic of the server, "single" or "double"
        members : have `forces_comm` and `forces_var` at every step
        timeout : seconds after which a request without an answer raises E_TIMEOUT
        keys : file of CURVE keys, for servers that are neither on loopback nor ipc
        """
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._closed = False
        self._session: Session | None = None
        self._private: Daemon | str | None = None  # own server, or the endpoint of the one it was copied from
        super().__init__(
            endpoint=endpoint,
            model=None if model is None else os.fspath(model),
            precision=precision,
            members=members,
            timeout=timeout,
            keys=None if keys is None else os.fspath(keys),
        )

    @property
    def model(self) -> dict[str, Any]:
        """What the server says: name, sha256, elements, cutoff, reach and min_distance (Å), members, backend."""
        with self._turn():
            return self._connected().describe()

    def set(self, **kwargs: Any) -> dict[str, Any]:
        """Change parameters; the next evaluation connects anew."""
        unknown = sorted(set(kwargs) - set(self.default_parameters))
        if unknown:
            raise _usage(f"{unknown[0]!r} is no parameter of MLTS", f"Known are {', '.join(self.default_parameters)}.")
        if kwargs.get("precision", "single") not in ("single", "double"):
            raise _usage(f"precision is {kwargs['precision']!r}", "Write 'single' or 'double'.")
        timeout = kwargs.get("timeout", 1.0)
        if not isinstance(timeout, int | float) or not 0 < timeout < math.inf:
            raise _usage(f"timeout is {timeout!r} s", "Give a positive number of seconds.")
        with self._turn():
            changed: dict[str, Any] = super().set(**kwargs)
            if changed:
                self.reset()
                self._disconnect()
            return changed

    def get_property(self, name: str, atoms: Atoms | None = None, allow_calculation: bool = True) -> Any:
        """One property; see `ase.calculators.calculator.Calculator`."""
        with self._turn():
            return super().get_property(name, atoms, allow_calculation)

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Iterable[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """Fill `results` with everything that one request brings; raises MltsError."""
        with self._turn():
            atoms = self.atoms if atoms is None else atoms
            if atoms is None:
                raise _usage("there are no atoms to calculate", "Pass atoms, or set atoms.calc = calc.")
            reply = self._connected().evaluate(atoms, self._want(properties, [atoms]))
            results = _results(reply, atoms)
            self.results = results if system_changes else {**self.results, **results}
            self.atoms = atoms.copy()

    @overload
    def calculate_many(
        self, images: Iterable[Atoms], properties: Iterable[str] = (), *, return_errors: Literal[False] = False
    ) -> list[dict[str, Any]]: ...
    @overload
    def calculate_many(
        self, images: Iterable[Atoms], properties: Iterable[str] = (), *, return_errors: Literal[True]
    ) -> list[dict[str, Any] | MltsError]: ...
    def calculate_many(
        self, images: Iterable[Atoms], properties: Iterable[str] = (), *, return_errors: bool = False
    ) -> list[dict[str, Any]] | list[dict[str, Any] | MltsError]:
        """Evaluate independent structures in one round trip, or a few where the server's limits ask for it.

        Parameters
        ----------
        images : structures of any sizes and species
        properties : of `stresses`, `forces_comm`, `forces_var`, those wanted beside the rest
        return_errors : put the MltsError of a faulty structure into its place instead of raising the first

        Returns
        -------
        the results of each structure, as `results` would hold them
        """
        images = list(images)
        with self._turn():
            outcomes = self._connected().evaluate_many(images, self._want(properties, images))
        many: list[dict[str, Any] | MltsError] = []
        for index, (outcome, atoms) in enumerate(zip(outcomes, images, strict=True)):
            try:
                if isinstance(outcome, MltsError):
                    raise outcome
                many.append(_results(outcome, atoms))
            except MltsError as error:
                if not return_errors:
                    what = f"structure {index}: {error.what}"
                    raise MltsError(error.code, what, error.remedy, error.atom) from error
                many.append(error)
        return many

    def close(self) -> None:
        """Close the connection and stop the private server; results stay, new evaluations raise E_USAGE."""
        with self._turn():
            self._disconnect()
            self._closed = True

    def get_spin_polarized(self) -> bool:
        """Potentials know no spin."""
        return False

    def export_properties(self) -> Properties:
        """The results that ASE has a definition of."""
        return Properties({name: value for name, value in self.results.items() if name in all_outputs})

    def __enter__(self) -> MLTS:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        with self._turn():
            return {
                "parameters": dict(self.parameters),
                "atoms": self.atoms,
                "results": self.results,
                "private": self._private,
            }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state["parameters"])  # type: ignore[misc]
        self.atoms, self.results, self._private = state["atoms"], state["results"], state["private"]

    def _turn(self) -> AbstractContextManager[bool]:
        """The lock; in a forked child first forgets the parent's lock, connection and server."""
        if os.getpid() != self._pid:
            self._lock, self._pid, self._session = threading.RLock(), os.getpid(), None
            if isinstance(self._private, Daemon):
                self._private = self._private.endpoint
        return self._lock

    def _connected(self) -> Session:
        if self._closed:
            raise _usage("this calculator is closed", "Make a new one.")
        if self._session is None:
            # By item: `parameters.keys` is the method of dict.
            endpoint, model, precision, _, timeout, keys = (self.parameters[name] for name in self.default_parameters)
            if endpoint is None:
                self._session = self._private_session(Choice(None, precision, timeout))
            else:
                choice = Choice(model, precision, timeout)
                self._session = Session(endpoint, choice, None if keys is None else read_keys(keys))
        return self._session

    def _private_session(self, choice: Choice) -> Session:
        if isinstance(self._private, str) and os.path.exists(self._private.removeprefix("ipc://")):
            try:
                return Session(self._private, choice)
            except MltsError as error:
                if error.code != "E_CONNECT":
                    raise
        if not isinstance(self._private, Daemon):
            self._private = Daemon(self.parameters.model)
        return Session(self._private.endpoint, choice, alive=self._private.check)

    def _disconnect(self) -> None:
        if self._session is not None:
            self._session.close()
        self._session = self._private = None  # the server stops when no copy holds it any more

    def _want(self, properties: Iterable[str], images: Sequence[Atoms]) -> list[str]:
        want = list(_WANT)
        if any(atoms.cell.rank == 3 for atoms in images):
            want.append("virial")
        if self.parameters.members:
            want.append("member_forces")
        extra = {_EXTRA_WANT[name] for name in properties if name in _EXTRA_WANT}
        return want + sorted(extra.difference(want))


def _results(reply: Reply, atoms: Atoms) -> dict[str, Any]:
    """Results of ASE from the arrays of one reply."""
    n = len(atoms)
    sigma_energy, sigma_forces = number(reply, "sigma_energy"), array(reply, "sigma_forces", (n,))
    energy = number(reply, "energy")
    results: dict[str, Any] = {
        "energy": energy,
        "free_energy": energy,
        "energies": array(reply, "energies", (n,)),
        "forces": array(reply, "forces", (n, 3)),
        "energy_comm": array(reply, "member_energies", (-1,)),
        "energy_var": sigma_energy * sigma_energy,
        "sigma_energy": sigma_energy,
        "rho": number(reply, "rho"),
        "sigma_energies": array(reply, "sigma_energies", (n,)),
        "sigma_forces": sigma_forces,
        "max_sigma_force": float(sigma_forces.max()),
    }
    if atoms.cell.rank == 3:
        results["stress"] = _stress(array(reply, "virial", (3, 3)), atoms)
        if "virials" in reply:
            results["stresses"] = _stress(array(reply, "virials", (n, 3, 3)), atoms)
    if "member_forces" in reply:
        members = array(reply, "member_forces", (-1, n, 3))
        results["forces_comm"] = members
        results["forces_var"] = members.var(axis=0, ddof=1) if len(members) > 1 else np.zeros((n, 3))
    return results


def _stress(virial: NDArray[np.float64], atoms: Atoms) -> NDArray[np.float64]:
    """−W/V [..., 6] eV/Å³ in Voigt order, from W [..., 3, 3] eV; per-atom virials are symmetrised."""
    stress: NDArray[np.float64] = full_3x3_to_voigt_6_stress(-virial / atoms.get_volume())
    return stress


def _usage(what: str, remedy: str) -> MltsError:
    return MltsError("E_USAGE", what, remedy)
