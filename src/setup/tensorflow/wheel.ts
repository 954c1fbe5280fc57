/** Takes files out of a Python wheel, which is a zip archive. */
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Entry, openPromise as openZip } from 'yauzl';
import { MltsError } from '../../errors.ts';

/**
 * @param choose the path below `folder` that an entry goes to, or undefined for one that is left
 * @returns paths of what was written, relative to `folder`
 * @throws MltsError E_FILE where the archive is damaged or the disk refuses
 */
export async function extract(
  wheel: string,
  folder: string,
  choose: (name: string) => string | undefined,
  signal?: AbortSignal,
): Promise<string[]> {
  const written: string[] = [];
  try {
    const zip = await openZip(wheel, { autoClose: false });
    try {
      for await (const entry of zip.eachEntry() as AsyncIterable<Entry>) {
        const path = entry.fileName.endsWith('/') ? undefined : choose(entry.fileName);
        if (path === undefined) continue;
        const target = join(folder, path);
        await mkdir(dirname(target), { recursive: true });
        const mode = (entry.externalFileAttributes >>> 16) & 0o777 || 0o644;
        await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(target, { mode }), { signal });
        written.push(path);
      }
    } finally {
      zip.close();
    }
  } catch (cause) {
    if (signal?.aborted) throw new MltsError('E_CANCELLED', 'unpacking was stopped', 'Run it again to go on.');
    const what = `${wheel} cannot be unpacked into ${folder}: ${(cause as Error).message}`;
    throw new MltsError('E_FILE', what, 'Free some space on the disk, or delete the file and run it again.', { cause });
  }
  return written;
}
