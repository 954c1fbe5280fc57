/** The programme's own run, shortened: liquid aluminium from ANI-Al, its density and its structure. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { mlts } from '../support/mlts.ts';
import { NOT_RUN, publishedFolder, publishedSources } from '../support/published.ts';
import { temporaryFolder } from '../support/servers.ts';

const EXAMPLE = join(import.meta.dirname, '../../examples/md/liquid-aluminium.yaml');
const TIMES: Readonly<Record<string, string>> = { melt: '2ps', cool: '2ps', npt: '3ps', nvt: '2ps' };

async function run(args: readonly string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await mlts(args, { MLTS_MODELS: cwd }, cwd);
  expect(code, stderr).toBe(0);
  return stdout;
}

if (publishedFolder === undefined) {
  it.skip(NOT_RUN, () => undefined);
} else {
  it('melts, cools, and has the density and the g(r) of the long run', async () => {
    const cwd = temporaryFolder();
    await run(['model', 'import', join(publishedFolder!, publishedSources['ani-al']), '-o', 'ani-al.mlts'], cwd);
    let stages = readFileSync(EXAMPLE, 'utf8').replace('[8, 8, 8]', '[4, 4, 4]');
    for (const [name, time] of Object.entries(TIMES)) {
      stages = stages.replace(new RegExp(`(name: ${name},.* time: )\\w+`), `$1${time}`);
    }
    writeFileSync(join(cwd, 'short.yaml'), stages);
    await run(['md', '--input', 'short.yaml'], cwd);

    const averages = JSON.parse(await run(['analyze', 'averages', 'liquid-al.npt.csv', '--skip', '50', '--json'], cwd));
    const mean = (name: string) => averages.columns.find((column: { name: string }) => column.name === name).mean;
    expect(Math.abs(mean('temperature_K') / 943 - 1)).toBeLessThan(0.05);
    // The long run: 2.33 g/cm³; first peak at 2.78 Å, 2.9 high; a crystal would have its peak at 2.9 Å, 4 high.
    expect(Math.abs(mean('density_g_cm3') - 2.33)).toBeLessThan(0.08);
    const { pairs } = JSON.parse(await run(['analyze', 'rdf', 'liquid-al.nvt.extxyz', '--json'], cwd));
    expect(Math.abs(pairs[0].first_shell.peak.mean - 2.78)).toBeLessThan(0.06);
    expect(Math.abs(pairs[0].first_shell.height.mean - 2.88)).toBeLessThan(0.3);
  }, 120_000);
}
