/** `mlts learn status`: how a campaign stands, from its files alone. */
import { once } from 'node:events';
import { type Command, InvalidArgumentError } from 'commander';
import { statusPage } from '../../active/status/page.ts';
import { serveStatus } from '../../active/status/serve.ts';
import { type Status, statusOf } from '../../active/status/status.ts';
import { headline, metricRows, ROUND_HEAD, roundRow, SAMPLER_HEAD, samplerRow } from '../../active/status/words.ts';
import { writeWhole } from '../../io/write.ts';
import { wireName } from '../../protocol/names.ts';
import { interruption, print } from '../options.ts';
import { table } from '../table.ts';

const EXAMPLES = `
Examples:
  mlts learn status al                         tables of a campaign that runs, or has ended
  mlts learn status al --json                  all of it for programs
  mlts learn status al --html al.html          a page with plots and the selected frames in three dimensions
  mlts learn status al --serve 8080            the same at http://127.0.0.1:8080/

It reads the campaign's files and changes nothing.`;

export function registerStatus(learn: Command): void {
  learn
    .command('status')
    .description('how a campaign stands')
    .argument('<folder>', 'of the campaign')
    .option('--json', 'one JSON object on stdout instead of tables')
    .option('--html <file>', 'write a page with plots and frames, which needs nothing else')
    .option('--serve <port>', 'the page over HTTP on 127.0.0.1, up to date, until Ctrl-C; 0 takes any port', port)
    .addHelpText('after', EXAMPLES)
    .action((folder: string, _: object, command: Command) => run(folder, command.optsWithGlobals()));
}

interface Options {
  readonly json?: boolean;
  readonly html?: string;
  readonly serve?: number;
}

async function run(folder: string, { json = false, html, serve }: Options): Promise<void> {
  if (serve !== undefined) {
    const signal = interruption();
    const server = await serveStatus(folder, serve);
    await print(`${server.url}\n`);
    if (!signal.aborted) await once(signal, 'abort');
    return server.close();
  }
  const status = statusOf(folder);
  if (html !== undefined) writeWhole(html, await statusPage(status));
  await print(json ? `${JSON.stringify(asJson(status))}\n` : textOf(status));
}

function port(text: string): number {
  const value = Number(text);
  if (/^\d{1,5}$/.test(text) && value < 65_536) return value;
  throw new InvalidArgumentError('Give a port, 0 to 65535.');
}

/** Names as in all JSON of `mlts`; what JSON has no word for is null. */
function asJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asJson);
  if (typeof value !== 'object' || value === null) {
    return value === undefined || (typeof value === 'number' && !Number.isFinite(value)) ? null : value;
  }
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [wireName(name), asJson(one)]));
}

function textOf(status: Status): string {
  const { rounds } = status;
  const last = rounds.findLast(({ samplers }) => samplers.length > 0);
  const [head, metrics] = metricRows(rounds.slice(-4));
  const reasons = last?.reasons.map(({ why, count }) => [why, `${count}`]) ?? [];
  const parts = [
    `${headline(status).join('\n')}\n`,
    table(ROUND_HEAD, rounds.map(roundRow)),
    ...(last === undefined
      ? []
      : [`Round ${last.round}, by sampler\n${table(SAMPLER_HEAD, last.samplers.map(samplerRow))}`]),
    ...(reasons.length === 0 ? [] : [`Selected because\n${table(['why', 'frames'], reasons)}`]),
    ...(metrics.length === 0 ? [] : [`Suite\n${table(head, metrics)}`]),
  ];
  return parts.join('\n');
}
