/** The page of a campaign over HTTP on this machine, made anew from the files whenever they have changed. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { asMltsError, MltsError, systemReason } from '../../errors.ts';
import { Folder, JOURNAL, LABELS } from '../folder.ts';
import { statusPage } from './page.ts';
import { statusOf } from './status.ts';

export interface StatusServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Asks every few seconds whether there is something new; the frame that is shown stays. */
const SCRIPT = (version: string) => `<script>
setInterval(async () => {
  const answer = await fetch('version').catch(() => undefined);
  if (answer?.ok && (await answer.text()) !== '${version}') location.reload();
}, 3000);
</script>`;

/** Changes with each line of the journal and each label. */
function versionOf(path: string): string {
  const folder = new Folder(path);
  const labels = existsSync(folder.at(LABELS)) ? readdirSync(folder.at(LABELS)).length : 0;
  const { size, mtimeMs } = statSync(folder.at(JOURNAL));
  return `${size} ${mtimeMs} ${labels} ${existsSync(folder.at('lock'))}`;
}

/**
 * @param port 0 for any that is free
 * @throws MltsError E_FILE where there is no campaign; E_ADDRESS where the port is taken
 */
export async function serveStatus(folder: string, port: number): Promise<StatusServer> {
  statusOf(folder);
  let made: { readonly version: string; readonly page: string } | undefined;
  const answer = async (path: string, response: ServerResponse): Promise<void> => {
    const version = versionOf(folder);
    if (path === '/' && made?.version !== version) {
      made = { version, page: await statusPage(statusOf(folder), SCRIPT(version)) };
    }
    const isPage = path === '/';
    response.writeHead(isPage || path === '/version' ? 200 : 404, {
      'content-type': isPage ? 'text/html; charset=utf-8' : 'text/plain',
      'cache-control': 'no-store',
    });
    response.end(isPage ? made?.page : path === '/version' ? version : 'not here');
  };
  const server = createServer((request, response) => {
    // A page of somebody else may send a browser here under a name of its own.
    if (!/^(127\.0\.0\.1|localhost):\d+$/.test(request.headers.host ?? '')) {
      response.writeHead(403).end();
      return;
    }
    answer((request.url ?? '/').split('?')[0], response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' });
      response.end(asMltsError(error).message);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const what = `port ${port} of 127.0.0.1 cannot be had (${systemReason(cause)})`;
      reject(new MltsError('E_ADDRESS', what, 'Name another port, or 0 for any.', { cause }));
    });
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
