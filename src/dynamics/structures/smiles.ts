/** Molecules from SMILES, by RDKit in a Python process. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MltsError } from '../../errors.ts';
import { readXyz } from '../../io/extxyz.ts';
import { Lines } from '../../io/lines.ts';
import type { Structure } from '../../io/structure.ts';

/** Reads SMILES and seed from its arguments; exit codes: 3 no RDKit, 4 no such molecule, 5 no geometry. */
const SCRIPT = `
import sys
try:
    from rdkit import Chem, RDLogger
    from rdkit.Chem import AllChem
except ImportError:
    sys.exit(3)
RDLogger.DisableLog("rdApp.*")
molecule = Chem.MolFromSmiles(sys.argv[1])
if molecule is None:
    sys.exit(4)
molecule = Chem.AddHs(molecule)
parameters = AllChem.ETKDGv3()
parameters.randomSeed = int(sys.argv[2])
if AllChem.EmbedMolecule(molecule, parameters) != 0:
    sys.exit(5)
if AllChem.MMFFHasAllMoleculeParams(molecule):
    AllChem.MMFFOptimizeMolecule(molecule, maxIters=2000)
print(Chem.MolToXYZBlock(molecule))
`;

const LOCAL_PYTHON = fileURLToPath(new URL('../../../.venv/bin/python', import.meta.url));

/**
 * A three-dimensional conformer with all hydrogens: distance geometry (ETKDG version 3) and MMFF94 where it has parameters.
 * Python is $MLTS_PYTHON, else the one that set-up made, else python3.
 * @throws MltsError E_UNAVAILABLE without RDKit, E_USAGE for what is no SMILES
 */
export function fromSmiles(smiles: string, seed: number): Structure {
  const python = process.env.MLTS_PYTHON ?? (existsSync(LOCAL_PYTHON) ? LOCAL_PYTHON : 'python3');
  const { status, stdout, stderr, error } = spawnSync(python, ['-c', SCRIPT, smiles, String(seed)], {
    encoding: 'utf8',
  });
  if (status === 0) {
    const [structure] = readXyz(new Lines(`SMILES ${smiles}`, stdout.split('\n').values()));
    return { ...structure, info: { smiles } };
  }
  if (status === 4) throw new MltsError('E_USAGE', `'${smiles}' is no SMILES of a molecule`, 'Correct it.');
  if (status === 5) {
    throw new MltsError('E_USAGE', `RDKit finds no geometry for '${smiles}'`, 'Give the structure as a file instead.');
  }
  const reason =
    status === 3 ? `${python} has no RDKit` : `${python} failed: ${error?.message ?? stderr.trim().slice(-200)}`;
  throw new MltsError(
    'E_UNAVAILABLE',
    `structures from SMILES need RDKit, and ${reason}`,
    `Install it with \`${python} -m pip install rdkit\`, or name another Python in $MLTS_PYTHON.`,
  );
}
