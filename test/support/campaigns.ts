/** Folders of campaigns as `mlts learn` leaves them: one round that has ended, and one whose labels are under way. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { FILES, Folder, JOURNAL, LABELS } from '../../src/active/folder.ts';
import type { Assessment } from '../../src/active/held-out.ts';
import { Journal } from '../../src/active/journal.ts';
import { STAGE_NAMES, type StageName } from '../../src/active/stage.ts';
import type { Promotion } from '../../src/active/stages/promote.ts';
import { crystal, repeat } from '../../src/dynamics/structures/crystal.ts';
import type { Structure } from '../../src/io/structure.ts';
import { randomNumbers } from './systems.ts';

const fcc = repeat(crystal('fcc', [13], 4.05) as Structure & { cell: Float64Array }, [2, 2, 2]);
const WHY = 'max σ_F 0.3 > 0.12 eV/Å';

function frames(round: number, count: number, info: (k: number) => Structure['info']): Structure[] {
  const random = randomNumbers(round + 1);
  return Array.from({ length: count }, (_, k) => ({
    ...fcc,
    positions: fcc.positions.map((x) => x + 0.3 * (random() - 0.5)),
    info: { id: `${round}${k}`.padStart(8, 'f'), sampler: k % 3 === 0 ? 'dynamics' : 'disorder', ...info(k) },
  }));
}

/** @param path an empty folder */
export function writeCampaign(path: string): void {
  const folder = new Folder(path);
  const journal = new Journal(folder.at(JOURNAL));
  const end = (round: number, stage: StageName, counts: Record<string, number>, seconds = 1) =>
    journal.append({ round, stage, inputs: {}, outputs: {}, counts, seconds, at: '2026-01-02T03:04:05.678Z' });
  for (const round of [0, 1]) {
    folder.prepare(round);
    const scored = frames(round, 12, (k) => (round > 0 ? { sigma_f_max: 0.05 * (k + 1) } : {}));
    folder.writeStructures(folder.of(round, FILES.scored), scored);
    const selected = scored
      .slice(-6)
      .map((one) => ({ ...one, info: { ...one.info, why: round > 0 ? WHY : 'nothing is known yet' } }));
    folder.writeStructures(folder.of(round, FILES.selected), selected);
  }
  const known = { errors: errors(12, 0.3), heldOut: { forces: EMPTY, energy: EMPTY } };
  folder.writeJson(folder.of(0, FILES.assessment), {
    metrics: [
      { name: 'cold curves: fcc volume', value: 1.5, unit: '%' },
      { name: 'liquid: blow-up', value: null, unit: '' },
    ],
    ...{ ...known, current: null },
  } satisfies Assessment);
  const model = folder.of(0, FILES.model);
  folder.writeJson(folder.of(0, FILES.promotion), {
    ...{ promoted: true, why: 'the first model', model, sha256: 'a'.repeat(64), worse: [] },
  } satisfies Promotion);
  for (const stage of STAGE_NAMES) {
    if (stage === 'label') end(0, stage, { labelled: 5, failed: 1, 'time-out': 1 }, 30);
    else end(0, stage, stage === 'append' ? { train: 4, test: 1 } : { frames: stage === 'select' ? 6 : 12 });
  }
  end(1, 'propose', { frames: 14 });
  end(1, 'score', { frames: 12 });
  end(1, 'select', { frames: 6, uncertain: 10, threshold_meV_per_angstrom: 120 });
  journal.close();
  // Killed as it wrote: the line is no line.
  appendFileSync(folder.at(JOURNAL), '{"round":1,"stage":"lab');
  mkdirSync(folder.at(LABELS));
  for (const k of [6, 7, 8]) {
    const id = `1${k}`.padStart(8, 'f');
    const record = { id, level: 'EAM', program: 'test', seconds: 1, status: 'labelled', energy: 0, forces: [] };
    const failed = {
      id,
      level: 'EAM',
      program: 'test',
      seconds: 1,
      status: 'failed',
      kind: 'crashed',
      what: 'it died',
    };
    folder.writeJson(`${LABELS}/${id}.json`, k === 8 ? failed : record);
  }
}

const EMPTY = { sigma: [], error: [] };
const errors = (energy: number, forces: number) => ({
  all: { frames: 2, energy_rmse_mev_per_atom: energy, force_rmse: forces },
  bySampler: { disorder: { frames: 2, energy_rmse_mev_per_atom: energy, force_rmse: forces } },
});
