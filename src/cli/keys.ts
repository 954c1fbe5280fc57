/** `mlts keys`: CURVE keys of the server, its clients, and who is let in. */
import type { Command } from 'commander';
import { checkKey, isKey } from '../protocol/keys.ts';
import { allow, allowedFile, generateKeyFile, readAllowed, readKeyFile, serverKeyFile } from '../server/keyring.ts';

const EXAMPLES = `
Examples:
  mlts keys generate                              on the server; prints its public key
  mlts keys generate me.json --server 'KEY'       on a client; prints the client's public key
  mlts keys allow 'CLIENT-KEY' --name laptop      on the server; needs no restart
  mlts keys show                                  the server's public key and who is let in

LAMMPS, ASE and TypeScript clients take the client's file. Only the server's own machine goes without keys.`;

const print = (line: string) => process.stdout.write(`${line}\n`);

export function register(program: Command): void {
  const keys = program
    .command('keys')
    .description('CURVE keys for anything but loopback and ipc')
    .addHelpText('after', EXAMPLES);

  keys
    .command('generate')
    .description('make a key pair in a new file and print its public key')
    .argument('[file]', `key file (default: ${serverKeyFile()})`)
    .option('--server <key>', 'public key of the server, for the file of a client')
    .action(async (file: string | undefined, { server }: { server?: string }) => {
      if (server !== undefined) checkKey(server, '--server');
      print((await generateKeyFile(file ?? serverKeyFile(), server)).public);
    });

  keys
    .command('show')
    .description('print the public key of a key file; of the server also the clients it lets in')
    .argument('[file]', `key file (default: ${serverKeyFile()})`)
    .action(async (file: string | undefined) => {
      print((await readKeyFile(file ?? serverKeyFile())).public);
      if (file !== undefined) return;
      for (const { key, name } of await readAllowed(allowedFile())) print(`allowed ${key} ${name}`.trimEnd());
    });

  keys
    .command('allow')
    .description('let a client in')
    .argument('<key>', "the client's public key, or its key file")
    .option('--name <name>', 'noted beside the key', '')
    .option('--allowed <file>', 'list of clients', allowedFile())
    .action(async (key: string, { name, allowed }: { name: string; allowed: string }) => {
      const wanted = isKey(key) ? key : (await readKeyFile(key)).public;
      print((await allow(allowed, wanted, name)) ? `allowed ${wanted}` : `${wanted} was allowed before`);
    });
}
