// A client to be killed: opens a session and sends steps as fast as it can. Arguments: endpoint, atoms.
// Plain JavaScript, so that any Node runs it in a process of its own.
import { pack, unpack } from 'msgpackr';
import { Dealer } from 'zeromq';

const [endpoint, atoms] = process.argv.slice(2);
const n = Number(atoms);
const socket = new Dealer();
socket.connect(endpoint);
/** @param {Int32Array | Float64Array} array */
const bytes = (array) => Buffer.from(array.buffer);
await socket.send(pack({ type: 'open', id: 0, numbers: bytes(new Int32Array(n).fill(1)) }));
const { session } = unpack((await socket.receive())[0]);
const positions = bytes(Float64Array.from({ length: 3 * n }, (_, i) => (i % 3 === 0 ? i : 0)));
for (let id = 1; ; id++) {
  await socket.send(pack({ type: 'evaluate', id, session, positions }));
  if (id % 8 === 0) for (let i = 0; i < 8; i++) await socket.receive();
  if (id === 1) process.stdout.write('running\n');
}
