/** What the status of a campaign reads of its files. */
import { existsSync } from 'node:fs';
import { parseInfo, splitHeader } from '../../io/extxyz-header.ts';
import { openLines } from '../../io/lines.ts';
import type { InfoValue } from '../../io/structure.ts';
import { FILES, type FileName, type Folder } from '../folder.ts';
import type { Assessment } from '../held-out.ts';
import type { Promotion } from '../stages/promote.ts';

export type Info = Readonly<Record<string, InfoValue>>;

/**
 * What stands above the atoms of each frame; the atoms are passed over.
 * @throws MltsError E_FILE
 */
export function infosOf(file: string): Info[] {
  const lines = openLines(file);
  const infos: Info[] = [];
  for (let line = lines.next(); line !== undefined; line = lines.next()) {
    const count = lines.integer(line.trim(), 'the number of atoms', 0);
    const header = splitHeader(lines, lines.need('a comment line'));
    infos.push(Object.fromEntries([...header].map(([key, value]) => [key, parseInfo(value)])));
    for (let atom = 0; atom < count; atom++) lines.need('an atom');
  }
  return infos;
}

/** What is read of a round, where it is there. */
export function filesOf(folder: Folder, round: number) {
  const where = (file: FileName) => folder.of(round, file);
  const frames = (file: FileName) => (existsSync(folder.at(where(file))) ? infosOf(folder.at(where(file))) : []);
  const json = <T>(file: FileName) => (existsSync(folder.at(where(file))) ? folder.json<T>(where(file)) : undefined);
  return {
    scored: frames(FILES.scored),
    selected: frames(FILES.selected),
    assessment: json<Assessment>(FILES.assessment),
    promotion: json<Promotion>(FILES.promotion),
  };
}

export type RoundFiles = ReturnType<typeof filesOf>;
