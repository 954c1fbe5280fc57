/** Conformers of molecules that are given as SMILES, by RDKit: distance geometry (ETKDG version 3) and MMFF94 where it has parameters. */
import { list, missing, settings, text, whole } from '../../dynamics/input/rules.ts';
import type { Kind } from './kind.ts';
import { structuresBy } from './python.ts';

const SCRIPT = `
import json, sys
try:
    from rdkit import Chem, RDLogger
    from rdkit.Chem import AllChem
except ImportError:
    sys.exit(3)
RDLogger.DisableLog("rdApp.*")
settings = json.loads(sys.argv[1])
for smiles in settings["smiles"]:
    molecule = Chem.MolFromSmiles(smiles)
    if molecule is None:
        print(f"'{smiles}' is no SMILES of a molecule", file=sys.stderr)
        sys.exit(4)
    molecule = Chem.AddHs(molecule)
    parameters = AllChem.ETKDGv3()
    parameters.randomSeed = settings["seed"]
    conformers = AllChem.EmbedMultipleConfs(molecule, settings["count"], parameters)
    if AllChem.MMFFHasAllMoleculeParams(molecule):
        AllChem.MMFFOptimizeMoleculeConfs(molecule, maxIters=500)
    for conformer in conformers:
        lines = Chem.MolToXYZBlock(molecule, confId=conformer).splitlines()
        print("\\n".join([lines[0], f'Properties=species:S:1:pos:R:3 smiles="{smiles}" pbc="F F F"', *lines[2:]]))
`;

export const conformersKind: Kind = (input, name) => {
  const given = settings<{ kind?: string; name?: string; smiles?: readonly string[]; count?: number }>(
    { kind: text, name: text, smiles: list(text), count: whole(1, 100_000) },
    'conformers',
  )(input);
  const { smiles, count = 5 } = given;
  if (smiles === undefined) throw missing(input, 'which molecules', 'smiles');
  return {
    ...{ name, needsModel: false, sources: [] },
    propose: async ({ seed, signal }) => {
      const frames = await structuresBy(SCRIPT, { smiles, count, seed }, { needs: 'rdkit', signal });
      return { frames, discarded: { 'without a geometry': smiles.length * count - frames.length } };
    },
  };
};
