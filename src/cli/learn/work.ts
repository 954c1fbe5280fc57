/** `mlts learn work`: what executors start. */
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { openEngine } from '../../active/engines/open.ts';
import type { Said } from '../../active/executors/worker-process.ts';
import { workMember } from '../../active/members.ts';
import { readManifest, work } from '../../active/work.ts';
import { asMltsError } from '../../errors.ts';
import { interruption } from '../options.ts';
import { jsonHost } from '../train-host.ts';

export function registerWork(learn: Command): void {
  learn
    .command('work', { hidden: true })
    .description('label the structures of chunks: what executors start')
    .argument('<manifest>', 'manifest.json of a round')
    .argument('[chunks...]', 'by number; without any they are read from stdin, a line each')
    .action(run);
  learn
    .command('member', { hidden: true })
    .description('train members of an ensemble: what executors start')
    .argument('<manifest>', 'members.json of a round')
    .argument('<members...>', 'by number')
    .action(runMembers);
}

async function run(manifest: string, chunks: readonly string[]): Promise<void> {
  const orphaned = new AbortController();
  const signal = AbortSignal.any([interruption(), orphaned.signal]);
  // Who gave the chunks ends stdin after the last one was done: an earlier end is that of the executor.
  if (chunks.length === 0) process.stdin.once('end', () => orphaned.abort());
  await telling(signal, async () => {
    const engine = await openEngine(readManifest(manifest).engine);
    try {
      const lines = chunks.length > 0 ? chunks : createInterface({ input: process.stdin });
      for await (const line of lines) {
        const chunk = Number(line);
        await work(manifest, chunk, engine, { signal, done: (id) => say({ id }) });
        say({ chunk });
      }
    } finally {
      engine.close();
      // An open stdin would keep this process: who interrupts it need not end that too.
      process.stdin.destroy();
    }
  });
}

async function runMembers(manifest: string, members: readonly string[]): Promise<void> {
  const signal = interruption();
  const host = jsonHost();
  await telling(signal, async () => {
    for (const member of members) say({ id: await workMember(manifest, Number(member), host, signal) });
  });
}

const say = (said: Said) => void process.stdout.write(`${JSON.stringify(said)}\n`);

/** The executor reads of errors on stdout; who was interrupted says nothing. */
async function telling(signal: AbortSignal, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (signal.aborted) return;
    const { code, what, remedy } = asMltsError(error);
    say({ error: { code, what, remedy } });
    throw error;
  }
}
