/** `mlts setup`: what mlts can use and does not bring along. */
import type { Command } from 'commander';
import { runtimeFolder } from '../engine/tensorflow/runtime.ts';
import { installTensorflow, removeTensorflow } from '../setup/tensorflow/install.ts';
import { interruption, print } from './options.ts';

const EXAMPLES = `
Examples:
  mlts setup tensorflow              for processors: 1 GB
  mlts setup tensorflow --gpu        for NVIDIA GPUs, with the CUDA libraries: 5 GB; needs only the driver
  mlts setup tensorflow --remove     takes it away again

Installs into ${runtimeFolder()}, from npm and PyPI by npm and pip, every file
pinned by its hash. Needs npm, Python 3 with pip, a C++ compiler, Linux x86-64. Stopped, it goes on when run again.
Then: mlts serve MODEL --backend tensorflow.`;

export function register(program: Command): void {
  program
    .command('setup')
    .description('install what mlts can use and does not bring along')
    .addHelpText('after', EXAMPLES)
    .command('tensorflow')
    .description('TensorFlow.js with libtensorflow, for --backend tensorflow')
    .option('--gpu', 'the build with CUDA, and the CUDA libraries')
    .option('--remove', 'remove it')
    .addHelpText('after', EXAMPLES)
    .action(run);
}

async function run({ gpu = false, remove = false }: { gpu?: boolean; remove?: boolean }): Promise<void> {
  if (remove) {
    const found = await removeTensorflow();
    return print(found ? `removed ${runtimeFolder()}\n` : `nothing to remove in ${runtimeFolder()}\n`);
  }
  const onStep = (what: string) => process.stderr.write(`${what} …\n`);
  const { tfjs, libtensorflow, cuda } = await installTensorflow({ gpu, onStep, signal: interruption() });
  const build = cuda ? 'with CUDA' : 'for processors';
  await print(`TensorFlow.js ${tfjs}, libtensorflow ${libtensorflow} ${build}: ready in ${runtimeFolder()}\n`);
}
