"""The molecules of the default model's data: neutral closed-shell H C N O, enumerated as SMILES, embedded by RDKit."""

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from rdkit.Chem import rdDistGeom

rdBase.DisableLog("rdApp.*")


def words(text: str) -> list[str]:
    return text.split()


MAX_HEAVY = 8
CHAINS = ["[H]", "C", "CC", "CCC", "C(C)C", "CCCC", "C=C", "C#C", "CC=C", "c1ccccc1"]
# "*" marks where a chain is attached.
GROUPS_ONE = words("""*[H] *O *N *C=O *C(=O)O *C(N)=O *C#N *NC=O *OC=O *C=NO *NO *OO *CO *CN *C(=O)CO *CC(=O)O
*C(N)C(=O)O *NC(N)=O *N=C=O *C=C=O *[N+](=O)[O-] *N=O *NN *ON=O *C(O)CO *OCCO *NCCO *CC#N *C1CC1 *C1CO1 *C1CCC1
*C1CCCC1""")
GROUPS_TWO = words("C(=O) C(=O)O C(=O)N O N C=C C#C C=N N=N OC(=O)O C(=O)C(=O) OO NC(=O)N C(=O)OC(=O) CC(O) C(=O)C")
RINGS = words("""C1CC1 C1CO1 C1CN1 C1CCC1 C1COC1 C1CNC1 C1CCCC1 C1CCOC1 C1CCNC1 C1CCCCC1 C1CCOCC1 C1CCNCC1 C1COCCO1
C1COCCN1
C1CNCCN1 C1=CCCC1 C1=CCCCC1 C1=CC=CC1 C1=CCC=CC1 O=C1CCC1 O=C1CCCC1 O=C1CCCCC1 O=C1CCCO1 O=C1CCCN1 O=C1CCC(=O)N1
O=C1OCCO1 c1ccccc1 c1ccncc1 c1cncnc1 c1cnccn1 c1ccnnc1 c1cc[nH]c1 c1ccoc1 c1cnc[nH]1 c1cn[nH]c1 c1cocn1 c1ccon1
Cc1ccccc1 Oc1ccccc1 Nc1ccccc1 O=Cc1ccccc1 N#Cc1ccccc1 Cc1ccncc1 Nc1ncccn1 O=c1cc[nH]cc1 O=c1cc[nH]c(=O)[nH]1
Nc1cc[nH]c(=O)n1 Cc1c[nH]c(=O)[nH]c1=O Cc1ccco1 Cc1cnc[nH]1 c1ncnc[nH]1""")
# Outside what the enumeration reaches; the last four are larger than MAX_HEAVY on purpose.
SMALL = words("[H][H] N#N [C-]#[O+] O=C=O O N C OO NN NO C=O C#N OC=O O=C=C=O N=C=N C=C=C O=N[N+](=O)[O-] [O-][N+]#N")
LARGER = ["CC(=O)NC(C)C(=O)NC", "c1ccc2[nH]ccc2c1", "OC(=O)c1ccccc1", "CC(=O)Nc1ccccc1"]


def heavy_atoms(smiles: str) -> int:
    return int(Chem.MolFromSmiles(smiles).GetNumAtoms())


def smiles_list() -> list[str]:
    """Every molecule, canonical and sorted, so that the list is the same on each run."""
    found = set()
    candidates = [group.replace("*", chain) for group in GROUPS_ONE for chain in CHAINS]
    candidates += [a + group + b for group in GROUPS_TWO for a in CHAINS[1:] for b in CHAINS if "1" not in a + b]
    for smiles in candidates + RINGS + SMALL:
        molecule = Chem.MolFromSmiles(smiles)
        if molecule is not None and molecule.GetNumAtoms() <= MAX_HEAVY:
            found.add(Chem.MolToSmiles(Chem.RemoveHs(molecule)))
    found.update(Chem.MolToSmiles(Chem.MolFromSmiles(smiles)) for smiles in LARGER)
    return sorted(found)


def conformer(smiles: str, seed: int) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
    """Atomic numbers [n] and positions [n,3] Å of one random conformer; None where RDKit finds none."""
    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    if rdDistGeom.EmbedMolecule(molecule, maxAttempts=5, randomSeed=seed, useRandomCoords=seed % 2 == 1) != 0:
        return None
    numbers = np.array([atom.GetAtomicNum() for atom in molecule.GetAtoms()])
    return numbers, np.array(molecule.GetConformer().GetPositions())
