/** What `mlts learn` shows: a line a stage and a bar for people, JSON Lines for programs. */
import cliProgress from 'cli-progress';
import type { Entry } from '../../active/journal.ts';
import type { Host } from '../../active/stage.ts';

export interface ClosableHost extends Host {
  end(): void;
}

const told = (text: string): void => void process.stderr.write(`${text}\n`);

export function terminalHost(): ClosableHost {
  const format = '{what} {bar} {percentage}% | {value}/{total}';
  const options = { format, hideCursor: true, clearOnComplete: true, stopOnComplete: false };
  let bar: cliProgress.SingleBar | undefined;
  const end = () => {
    bar?.stop();
    bar = undefined;
  };
  const tell = (text: string) => {
    end();
    told(text);
  };
  return {
    say: tell,
    warn: tell,
    progress: (done, total, what) => {
      if (!process.stderr.isTTY || total === 0) return;
      if (bar === undefined) {
        bar = new cliProgress.SingleBar(options, cliProgress.Presets.shades_classic);
        bar.start(total, done, { what });
      }
      bar.setTotal(total);
      bar.update(done, { what });
    },
    end,
  };
}

export const jsonHost = (): ClosableHost => {
  const nothing = () => undefined;
  return { say: told, warn: told, progress: nothing, end: nothing };
};

/** `round 3  label     40 labelled, 0 failed  (12.3 s)` */
export function stageLine({ round, stage, counts, seconds }: Entry): string {
  const numbers = Object.entries(counts).map(([name, value]) => `${name.replaceAll('_', ' ')} ${value}`);
  return `round ${round}  ${stage.padEnd(8)} ${numbers.join(', ')}  (${seconds.toPrecision(3)} s)\n`;
}
