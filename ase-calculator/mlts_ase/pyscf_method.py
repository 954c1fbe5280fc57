"""Methods of PySCF as an ASE calculator: Hartree-Fock, MP2, CCSD, CCSD(T) and density functionals, of molecules.

All electrons are correlated; an odd number of electrons is computed without restriction, as a doublet, which CCSD(T)
refuses.
"""

from __future__ import annotations

import sys
from typing import Any, ClassVar

import pyscf
from ase.calculators.calculator import Calculator, CalculatorSetupError, SCFError, all_changes
from ase.units import Bohr, Hartree
from pyscf import cc, dft, gto, mp, scf
from pyscf.cc import ccsd_t_lambda_slow
from pyscf.grad import ccsd_t

#: what is correlated, by the name of a method; everything else is Hartree-Fock or the name of a functional
CORRELATED = ("mp2", "ccsd", "ccsd(t)")


class PyscfMethod(Calculator):  # type: ignore[misc]  # ASE ships no types
    """Energy and forces by a method in a basis.

    Args:
        method: ``HF``, ``MP2``, ``CCSD``, ``CCSD(T)``, or a functional as libxc names it: ``wb97x``, ``b3lyp``.
        basis: as PySCF names it: ``6-31g*``, ``cc-pvdz``.
        charge: of the molecule, e.
        density_fit: densities of Hartree-Fock and functionals are fitted, which saves time.
        conv_tol: of the energy of the self-consistent field, hartree.
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "forces"]

    def __init__(
        self,
        method: str,
        basis: str,
        charge: int = 0,
        density_fit: bool = False,
        conv_tol: float = 1e-9,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._method = method.lower()
        self._basis = basis
        self._charge = charge
        self._density_fit = density_fit
        self._conv_tol = conv_tol
        self.program = f"pyscf {pyscf.__version__}"
        if density_fit and self._method in CORRELATED:
            raise CalculatorSetupError(f"density_fit is for Hartree-Fock and functionals, not for {method}")
        if self._method not in (*CORRELATED, "hf"):
            # An unknown functional is said now, not of every structure.
            dft.libxc.parse_xc(self._method)
        gto.basis.load(basis, "H")

    def calculate(self, atoms: Any = None, properties: Any = None, system_changes: Any = all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        atoms = self.atoms
        if any(atoms.pbc):
            raise CalculatorSetupError("PySCF's molecular methods know no periods: pbc must be false")
        electrons = int(atoms.numbers.sum()) - self._charge
        if self._method == "ccsd(t)" and electrons % 2 == 1:
            # PySCF 2.14: its forces of UCCSD(T) are not the slopes of its energy (0.05 eV/Å off for CH3 in STO-3G).
            raise CalculatorSetupError("PySCF has no right forces of CCSD(T) for an odd number of electrons: use Psi4")
        molecule = gto.M(
            atom=list(zip(atoms.get_chemical_symbols(), atoms.positions.tolist(), strict=True)),
            basis=self._basis,
            charge=self._charge,
            spin=electrons % 2,
            unit="Angstrom",
            verbose=3,
            # It keeps the stream that it finds first; that of the process is sent elsewhere for each label.
            output=None,
        )
        molecule.stdout = sys.stdout
        energy, gradient = self._compute(molecule, open_shell=electrons % 2 == 1)
        self.results = {"energy": float(energy) * Hartree, "forces": -gradient * Hartree / Bohr}

    def _compute(self, molecule: Any, *, open_shell: bool) -> tuple[Any, Any]:
        field = self._field(molecule, open_shell=open_shell)
        if self._method not in CORRELATED:
            return field.e_tot, field.nuc_grad_method().kernel()
        if self._method == "mp2":
            correlated = mp.MP2(field).run()
            return correlated.e_tot, correlated.nuc_grad_method().kernel()
        correlated = cc.CCSD(field).run()
        if not correlated.converged:
            raise SCFError("the coupled-cluster amplitudes did not converge")
        if self._method == "ccsd":
            return correlated.e_tot, correlated.nuc_grad_method().kernel()
        triples = correlated.ccsd_t()
        # The multipliers must know of the triples, too; by itself the gradient takes those of CCSD.
        t1, t2 = correlated.t1, correlated.t2
        converged, l1, l2 = ccsd_t_lambda_slow.kernel(correlated, correlated.ao2mo(), t1, t2)
        if not converged:
            raise SCFError("the multipliers of CCSD(T) did not converge")
        gradient = ccsd_t.Gradients(correlated).kernel(t1, t2, l1, l2)
        return correlated.e_tot + triples, gradient

    def _field(self, molecule: Any, *, open_shell: bool) -> Any:
        """The self-consistent field that all begins with."""
        if self._method in (*CORRELATED, "hf"):
            field = scf.UHF(molecule) if open_shell else scf.RHF(molecule)
        else:
            field = dft.UKS(molecule) if open_shell else dft.RKS(molecule)
            field.xc = self._method
        if self._density_fit:
            field = field.density_fit()
        field.conv_tol = self._conv_tol
        field.run()
        if not field.converged:
            raise SCFError("the self-consistent field did not converge")
        return field
