/** What job arrays are given to do, and how they know that it is done: labels of structures, or members of an ensemble. */
import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { LabelRecord } from './executor.ts';
import { type MemberRecord, memberId, readMember, readMembers, writeMember } from './members.ts';
import { readChunk, readManifest, readRecord, writeDeath } from './work.ts';

export interface Assignment<R> {
  readonly manifest: string;
  /** Where an executor keeps what it needs. */
  readonly folder: string;
  /** What a worker makes of a manifest and numbers of chunks: `mlts learn VERB`. */
  readonly verb: string;
  /** Of what, in messages. */
  readonly noun: string;
  /** Wall-time limit of one, s. */
  readonly seconds: number;
  /** Ids of each chunk, in the order in which a worker takes them. */
  readonly chunks: readonly (readonly string[])[];
  /** Ids that have a record, and maybe others. */
  recorded(): ReadonlySet<string>;
  record(id: string): R | undefined;
  /** Leaves a record of what kills its workers. */
  giveUp(id: string, deaths: number): R;
}

/** @param manifest of work.ts @throws MltsError E_FILE, E_VERSION */
export function labelling(manifest: string): Assignment<LabelRecord> {
  const { labels, chunks, seconds } = readManifest(manifest);
  return {
    ...{ manifest, folder: dirname(manifest), verb: 'work', noun: 'structure', seconds },
    chunks: Array.from({ length: chunks }, (_, chunk) => readChunk(manifest, chunk).map(({ id }) => id)),
    recorded: () => idsIn(labels),
    record: (id) => readRecord(labels, id),
    giveUp: (id, deaths) => writeDeath(manifest, id, deaths),
  };
}

/** @param manifest of members.ts @throws MltsError E_FILE, E_VERSION */
export function training(manifest: string): Assignment<MemberRecord> {
  const { members } = readMembers(manifest);
  const folder = dirname(manifest);
  return {
    ...{ manifest, folder, verb: 'member', noun: 'member', seconds: 0 },
    chunks: Array.from({ length: members }, (_, member) => [memberId(member)]),
    recorded: () => idsIn(folder),
    record: (id) => readMember(manifest, id),
    giveUp: (id, deaths) => writeMember(manifest, id, { code: 'E_INTERNAL', what: `${deaths} tasks died with ${id}` }),
  };
}

/** Names of records in a folder. */
const idsIn = (folder: string): ReadonlySet<string> =>
  new Set(readdirSync(folder).flatMap((name) => (name.endsWith('.json') ? [name.slice(0, -5)] : [])));
