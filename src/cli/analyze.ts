/** `mlts analyze`: properties out of trajectories, logs and potentials; one verb below it each. */
import type { Command } from 'commander';
import * as crystals from './analyze/crystals.ts';
import * as defects from './analyze/defects.ts';
import * as melting from './analyze/melting.ts';
import * as molecules from './analyze/molecules.ts';
import * as tables from './analyze/tables.ts';
import * as trajectories from './analyze/trajectories.ts';

const EXAMPLES = `
Examples:
  mlts analyze rdf run.extxyz --out rdf.csv --plot rdf.svg     g(r) with error bars, coordination
  mlts analyze msd run.dump --index 100:                       diffusion, the first 100 frames left out
  mlts analyze averages run.csv                                T, p, density with honest errors
  mlts analyze eos --model ani-al                              cold curves of fcc bcc hcp diamond β-Sn sc
  mlts analyze elastic --build fcc:Al:4.05 --model ani-al      C11, C12, C44 …
  mlts analyze torsion butane.xyz --atoms 0,1,2,3 --relax --model ani-2x
  mlts analyze barrier first.xyz last.xyz --model ani-1ccx     NEB with climbing image

Every one has --json, --out (CSV or JSON) and --plot (SVG).`;

export function register(program: Command): void {
  const analyze = program
    .command('analyze')
    .description('g(r), diffusion, averages, equations of state, elastic constants, defects, torsions, barriers')
    .addHelpText('after', EXAMPLES);
  for (const part of [trajectories, tables, crystals, defects, molecules, melting]) part.register(analyze);
}
