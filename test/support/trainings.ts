/** Trainings of the example's frames in processes of their own. */
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mlts } from './mlts.ts';
import { temporaryFolder } from './servers.ts';

export const EXAMPLE = join(import.meta.dirname, '../../examples/training');

/** A folder with the example's frames and this config, small unless it says otherwise. */
export function folderWith(more = '', { every = 1 } = {}): string {
  const cwd = temporaryFolder();
  if (every === 1) copyFileSync(join(EXAMPLE, 'frames.extxyz'), join(cwd, 'frames.extxyz'));
  else writeFileSync(join(cwd, 'frames.extxyz'), framesOf((_, i) => i % every === 0).join(''));
  writeConfig(cwd, more);
  return cwd;
}

const SMALL = 'data: frames.extxyz\noutput: small\nmembers: 2\nthreads: 2\nmodel: {layers: [24, 16]}\nbatch: 8\n';

/** What `more` says replaces the same setting of the small training. */
export function writeConfig(cwd: string, more: string): void {
  const named = new Set(more.split('\n').map((line) => line.split(':')[0]));
  const kept = SMALL.split('\n').filter((line) => !named.has(line.split(':')[0]));
  writeFileSync(join(cwd, 'train.yaml'), `${kept.join('\n')}\n${more}\n`);
}

/** Frames of the example, as text. */
export function framesOf(keep: (frame: string, i: number) => boolean): string[] {
  const lines = readFileSync(join(EXAMPLE, 'frames.extxyz'), 'utf8').split('\n');
  const frames: string[] = [];
  for (let at = 0; at < lines.length - 1; at += Number(lines[at]) + 2) {
    frames.push(`${lines.slice(at, at + Number(lines[at]) + 2).join('\n')}\n`);
  }
  return frames.filter(keep);
}

/** `mlts train train.yaml` to its end. */
export const train = (cwd: string, ...args: string[]) => mlts(['train', 'train.yaml', ...args], {}, cwd);
/** Of a CSV file, without its head. */
export const rows = (file: string): number =>
  existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 2 : 0;

/** Until the file has so many rows. */
export async function rowsOf(file: string, count: number): Promise<void> {
  const end = performance.now() + 60_000;
  while (rows(file) < count) {
    if (performance.now() > end) throw new Error(`${file} did not reach ${count} rows`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
