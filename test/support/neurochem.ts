/** A tiny NeuroChem set (tools/neurochem_fixture.py), and copies of it to spoil. */
import { cp, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder with tiny.info, tiny/ and broken/. */
export const neurochemFolder = fileURLToPath(new URL('../vectors/neurochem/', import.meta.url));

/** A copy of the fixture in a temporary folder. */
export async function neurochemCopy(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mlts-'));
  await cp(neurochemFolder, folder, { recursive: true });
  return folder;
}
