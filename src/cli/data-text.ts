/** What `mlts data` says: text for people, JSON for programs. */
import type { Report } from '../dataset/check/check.ts';
import type { Account } from '../dataset/read/source.ts';
import type { SelfEnergies } from '../dataset/self-energies.ts';
import type { Summary } from '../dataset/summary.ts';
import { table } from './table.ts';

const jsonLine = (value: unknown): string => `${JSON.stringify(value)}\n`;

export function importText(file: string, frames: number, { excluded, notes }: Account, json: boolean): string {
  if (json) {
    const left = [...excluded].map(([reason, { count, example }]) => ({ reason, count, example }));
    return jsonLine({ file, frames, excluded: left, notes: [...notes] });
  }
  const left = [...excluded].map(
    ([reason, { count, example }]) => `left out ${count}: ${reason} (first: ${example})\n`,
  );
  return `${[...notes].map((note) => `${note}\n`).join('')}${left.join('')}${file}  ${frames} frames\n`;
}

export function infoText(
  file: string,
  hash: string,
  summary: Summary,
  fit: SelfEnergies | undefined,
  json: boolean,
): string {
  const { frames, atoms, smallest, largest, periodic, labels, elements, levels, groups, forceRms } = summary;
  if (json) {
    return jsonLine({
      ...{ file, hash, frames, atoms, smallest, largest, periodic, labels, groups },
      elements: Object.fromEntries(elements),
      levels: Object.fromEntries(levels),
      force_rms: Number.isNaN(forceRms) ? null : forceRms,
      self_energies: fit?.energies ?? null,
      residual_per_atom: fit?.residual ?? null,
    });
  }
  const named = [...levels].map(([level, count]) => `${level || 'none named'}${levels.size > 1 ? ` (${count})` : ''}`);
  const lines = [
    ['frames', `${frames}`],
    ['atoms', `${atoms}, ${smallest} to ${largest} a frame, mean ${(atoms / frames).toPrecision(3)}`],
    ['periodic', `${periodic}`],
    ['groups', `${groups}`],
    ['level', named.join(', ')],
    [
      'labels',
      Object.entries(labels)
        .flatMap(([label, count]) => (count > 0 ? [`${label} ${count}`] : []))
        .join(', ') || 'none',
    ],
    ...(Number.isNaN(forceRms) ? [] : [['forces', `${forceRms.toPrecision(4)} eV/Å (root mean square of components)`]]),
    ...(fit ? [['energies', `${(1e3 * fit.residual).toPrecision(4)} meV/atom from what composition explains`]] : []),
    ['hash', hash],
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  const rows = [...elements].map(([symbol, count]) => [symbol, `${count}`, fit?.energies[symbol]?.toFixed(6) ?? '—']);
  const text = lines.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join('');
  return `${file}\n${text}\n${table(['element', 'frames', 'energy an atom, eV'], rows)}`;
}

export function checkText(file: string, clean: string | undefined, report: Report, json: boolean): string {
  const { frames, faults, problems, remarks, consistency } = report;
  if (json) {
    const { pairs, correlation, slope } = consistency ?? { pairs: 0, correlation: Number.NaN, slope: Number.NaN };
    const number = (value: number) => (Number.isNaN(value) ? null : value);
    const forces = { pairs, correlation: number(correlation), slope: number(slope) };
    return jsonLine({
      file,
      frames,
      clean: report.clean.length,
      faults,
      problems,
      remarks,
      forces,
      ...(clean && { written: clean }),
    });
  }
  const bad = faults.map(
    ({ reason, count, first }) => `${String(count).padStart(9)}  ${reason} (first: frame ${first})\n`,
  );
  return [
    `${file}: ${report.clean.length} of ${frames} frames are without fault\n`,
    ...bad,
    ...remarks.map((remark) => `${remark}\n`),
    ...problems.map((problem) => `WRONG: ${problem}\n`),
    ...(clean === undefined ? [] : [`${clean}  ${report.clean.length} frames\n`]),
  ].join('');
}
