/** A file server whose faults can be chosen, on a free port of this machine. */
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

export interface FileServer {
  /** `http://127.0.0.1:…/` */
  readonly url: string;
  /** Path and Range header of every request so far. */
  readonly requests: { readonly path: string; readonly range: string | undefined }[];
  close(): Promise<void>;
}

/** What a server does to a request instead of answering it; true where it dealt with it. */
export type Fault = (
  request: { path: string; range: string | undefined; count: number },
  response: ServerResponse,
  body: Buffer,
) => boolean;

/** Serves a folder, ranges included, but for what `fault` does first. */
export async function serveFolder(folder: string, fault: Fault = () => false): Promise<FileServer> {
  const requests: FileServer['requests'] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const path = decodeURIComponent(request.url!.slice(1));
    const range = request.headers.range;
    requests.push({ path, range });
    const body = await readFile(join(folder, path)).catch(() => undefined);
    if (body === undefined) return void response.writeHead(404).end();
    const count = requests.filter((other) => other.path === path).length;
    if (fault({ path, range, count }, response, body)) return;
    const from = range === undefined ? 0 : Number(/^bytes=(\d+)-$/.exec(range)![1]);
    if (range === undefined) return void response.writeHead(200, { 'content-length': body.length }).end(body);
    if (from >= body.length) return void response.writeHead(416).end();
    const headers = {
      'content-length': body.length - from,
      'content-range': `bytes ${from}-${body.length - 1}/${body.length}`,
    };
    response.writeHead(206, headers).end(body.subarray(from));
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
