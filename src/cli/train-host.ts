/** What `mlts train` shows: a table and a progress bar for people, JSON Lines for programs. */
import cliProgress from 'cli-progress';
import type { EpochRow } from '../training/history.ts';
import type { TrainingHost } from '../training/host.ts';
import type { MemberState } from '../training/plateau.ts';
import type { Result } from '../training/result.ts';
import { checkpointOf, memberOutput } from '../training/saved.ts';
import { print } from './options.ts';

export interface ClosableHost extends TrainingHost {
  end(): void;
}

const shown = (value: number | undefined, digits = 4) => (value === undefined ? '' : value.toPrecision(digits));

const WIDTHS = [7, 9, 11, 6, 11, 11, 11, 11, 11, 5, 9];
const HEADER = [
  ...['epoch', 'members', 'rate', 'batch', 'loss', 'E meV/atom', 'F eV/Å'],
  ...['valid. E', 'valid. F', 'best', 'frames/s'],
];
/** Lines between two headers of the table. */
const HEADER_EVERY = 30;

const line = (cells: readonly string[]): string => `${cells.map((cell, i) => cell.padStart(WIDTHS[i])).join(' ')}\n`;

export function terminalHost(): ClosableHost {
  const bar = new cliProgress.SingleBar(
    {
      format: 'epoch {epoch} {bar} {percentage}% | {rate} frames/s | {left}',
      hideCursor: true,
      clearOnComplete: true,
      stopOnComplete: false,
    },
    cliProgress.Presets.shades_classic,
  );
  let isOn = false;
  let lines = 0;
  const clear = () => {
    if (isOn) bar.stop();
    isOn = false;
  };
  return {
    say: (text) => {
      clear();
      return print(`${text}\n`);
    },
    warn: (text) => {
      clear();
      process.stderr.write(`${text}\n`);
    },
    epoch: (rows, rate) => {
      clear();
      return print((lines++ % HEADER_EVERY === 0 ? line(HEADER) : '') + tableRow(rows, rate));
    },
    progress: ({ epoch, epochs, done, total, rate, secondsLeft }) => {
      if (!process.stderr.isTTY) return;
      const payload = {
        epoch: `${epoch}/${epochs}`,
        rate: rate.toPrecision(3),
        left: `at most ${durationText(secondsLeft)} left`,
      };
      if (!isOn) bar.start(total, done, payload);
      else bar.update(done, payload);
      isOn = true;
    },
    end: clear,
  };
}

export function jsonHost(): ClosableHost {
  const nothing = () => undefined;
  return {
    say: nothing,
    warn: (text) => void process.stderr.write(`${text}\n`),
    epoch: (rows, rate) =>
      print(rows.map((row) => `${JSON.stringify({ ...row, frames_per_second: Math.round(rate) })}\n`).join('')),
    progress: nothing,
    end: nothing,
  };
}

/** Means over the members that took part; energies in meV per atom. */
function tableRow(rows: readonly EpochRow[], rate: number): string {
  const mean = (of: (row: EpochRow) => number | undefined) => {
    const values = rows.flatMap((row) => of(row) ?? []);
    return values.length > 0 ? values.reduce((sum, value) => sum + value, 0) / values.length : undefined;
  };
  const meV = (value: number | undefined) => (value === undefined ? undefined : 1e3 * value);
  const spread = (of: (row: EpochRow) => number, digits: number) => {
    const values = rows.map(of);
    const [low, high] = [Math.min(...values), Math.max(...values)].map((value) => Number(value.toPrecision(digits)));
    return low === high ? `${low}` : `${low}…${high}`;
  };
  return line([
    `${rows[0].epoch}`,
    `${rows.length}`,
    spread((row) => row.learning_rate, 2),
    spread((row) => row.batch, 6),
    shown(mean((row) => row.train_loss)),
    shown(meV(mean((row) => row.train_energy))),
    shown(mean((row) => row.train_forces)),
    shown(meV(mean((row) => row.validation_energy))),
    shown(mean((row) => row.validation_forces)),
    `${rows.filter(({ best }) => best).length}`,
    rate.toPrecision(3),
  ]);
}

function durationText(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** The last lines of a training. */
export function summary(output: string, { card, on, assessment }: Result, json: boolean): string {
  const { energy, forces, calibration } = assessment;
  const files = { model: `${output}.mlts`, report: `${output}.html` };
  if (json) {
    const errors = (of: typeof energy) => of && { rmse: of.rmse, mae: of.mae, largest: of.largest };
    const result = { on, frames: assessment.frames, energy: errors(energy), forces: errors(forces), calibration };
    return `${JSON.stringify({ done: true, name: card.name, members: card.members, ...result, ...files })}\n`;
  }
  const of = [
    ...(energy ? [`E ${(1e3 * energy.rmse).toPrecision(3)} meV/atom`] : []),
    ...(forces ? [`F ${forces.rmse.toPrecision(3)} eV/Å`] : []),
  ];
  const ratio = calibration
    ? `, errors ${calibration.sigmaForce.toPrecision(2)} σ_F and ${calibration.sigmaEnergy.toPrecision(2)} σ_E`
    : '';
  return `${assessment.frames} ${on} frames: RMSE ${of.join(', ')}${ratio}\nwrote ${files.model}, ${files.report}\n`;
}

/** The last line of a training of one member. */
export function memberSummary(output: string, member: number, { bestEpoch, best }: MemberState, json: boolean): string {
  const checkpoint = checkpointOf(memberOutput(output, member));
  if (json) return `${JSON.stringify({ done: true, member, best_epoch: bestEpoch, best, checkpoint })}\n`;
  return `member ${member}: best after epoch ${bestEpoch} (${shown(best)})\nwrote ${checkpoint}\n`;
}
