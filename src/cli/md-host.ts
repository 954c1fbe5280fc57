/** What `mlts md` shows: a table and a progress bar for people, JSON Lines for programs. */
import cliProgress from 'cli-progress';
import type { Host } from '../dynamics/run/context.ts';
import { type LogRow, TABLE_HEADER, tableRow } from '../dynamics/run/log-table.ts';
import { print } from './options.ts';

export interface ClosableHost extends Host {
  end(): void;
}

/** Lines between two headers of the table. */
const HEADER_EVERY = 30;

export function terminalHost(analyse: Host['analyse']): ClosableHost {
  const bar = new cliProgress.SingleBar(
    {
      format: '{stage} {bar} {percentage}% | {value}/{total} | {values}',
      hideCursor: true,
      clearOnComplete: true,
      stopOnComplete: false,
    },
    cliProgress.Presets.shades_classic,
  );
  let isOn = false;
  let lines = 0;
  let shown = '';
  const clear = () => {
    if (isOn) bar.stop();
    isOn = false;
  };
  return {
    say: (text) => {
      clear();
      return print(text);
    },
    warn: (text) => {
      clear();
      process.stderr.write(`${text}\n`);
    },
    rows: (stage, rows) => {
      clear();
      if (stage !== shown) lines = 0;
      shown = stage;
      return print((lines++ % HEADER_EVERY === 0 ? TABLE_HEADER : '') + tableRow(rows));
    },
    progress: ({ stage, step, steps = 0, values }) => {
      if (!process.stderr.isTTY) return;
      const text = Object.entries(values).map(([name, value]) => `${name} ${value}`);
      const payload = { stage, values: text.join(' ') };
      if (!isOn) bar.start(steps, step, payload);
      else bar.update(step, payload);
      isOn = true;
    },
    analyse,
    end: clear,
  };
}

export function jsonHost(analyse: Host['analyse']): ClosableHost {
  const nothing = () => undefined;
  return {
    say: nothing,
    warn: (text) => void process.stderr.write(`${text}\n`),
    rows: (stage, rows) => print(rows.map((row: LogRow) => `${JSON.stringify({ stage, ...row })}\n`).join('')),
    progress: nothing,
    analyse,
    end: nothing,
  };
}
