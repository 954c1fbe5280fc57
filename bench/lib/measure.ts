/** `mlts bench --json`: the evaluation alone, in one process. */
import type { BenchModel } from './models.ts';
import { jsonLines, run } from './process.ts';
import type { Context } from './section.ts';
import type { Structure } from './structures.ts';

export interface Measured {
  readonly structure: string;
  readonly natoms: number;
  readonly ms_min: number;
  readonly ms_median: number;
  readonly ms_p95: number;
  readonly stages_ms: Readonly<Record<'neighbours' | 'descriptor' | 'network' | 'backward' | 'reduce', number>> | null;
  readonly flops: number | null;
  readonly gemm_gflops_peak: number | null;
  readonly fraction_of_peak: number | null;
  readonly rss_mb: number;
}

/** A native measurement: the reference backend counts neither stages nor flops. */
export type Native = { readonly [Key in keyof Measured]: NonNullable<Measured[Key]> };

/** One run; `isa` forces an instruction set through $MLTS_ISA. */
export async function measure(
  { mlts, threads }: Context,
  model: BenchModel,
  structure: Structure,
  isa?: 'avx512' | 'avx2' | 'portable',
): Promise<Native> {
  const command = [...mlts, 'bench', structure.path, '--model', model.path, '--threads', String(threads), '--json'];
  const text = await run(command, isa === undefined ? {} : { env: { MLTS_ISA: isa } });
  const lines = jsonLines<Measured>(text);
  if (lines.length !== 1) throw new Error(`${command.join(' ')} printed ${lines.length} objects for one structure`);
  const [line] = lines;
  if (line.flops === null)
    throw new Error('mlts bench ran on the reference backend: build the native one (`npm run build`)');
  return line as Native;
}
