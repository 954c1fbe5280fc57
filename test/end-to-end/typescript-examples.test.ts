/** The TypeScript examples, compiled and run as their headers say, against `mlts serve` with the embedded model. */
import { execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

async function startServer(): Promise<{ endpoint: string; stop: () => void }> {
  const args = ['dist/cli/main.js', 'serve', '--bind', 'tcp://127.0.0.1:*', '--json'];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) {
    return { endpoint: JSON.parse(line).endpoints[0], stop: () => void child.kill() };
  }
  throw new Error('mlts serve ended before it was ready');
}

describe('examples/typescript', () => {
  let endpoint: string;

  beforeAll(async () => {
    await run('npx', ['tsc', '-p', 'examples/typescript'], { cwd: ROOT });
    const server = await startServer();
    endpoint = server.endpoint;
    return server.stop;
  });

  const example = async (name: string) => {
    const { stdout } = await run(process.execPath, [`build/examples/${name}.js`, endpoint], { cwd: ROOT });
    return stdout;
  };

  it('torsion: a barrier of about 1 kcal/mol', async () => {
    const text = await example('torsion');
    expect(text.split('\n').filter((line) => line.includes('°'))).toHaveLength(36);
    expect(Number(/barrier ([\d.]+) kcal/.exec(text)?.[1])).toBeGreaterThan(0.5);
  });

  it('dynamics: the total energy is conserved', async () => {
    const text = await example('dynamics');
    expect(Number(/within ([\d.]+) meV/.exec(text)?.[1])).toBeLessThan(10);
  });
});
