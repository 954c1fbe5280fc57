/** A model put in the place of another under a server that runs: nobody is dropped, nobody's model changes unnoticed. */
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { publish } from '../../src/active/suite/publish.ts';
import { Client } from '../../src/client/client.ts';
import { RemotePotential } from '../../src/client/remote-potential.ts';
import type { MltsError } from '../../src/errors.ts';
import { encodeModel } from '../../src/model/save.ts';
import type { OpenReply } from '../../src/protocol/messages.ts';
import { startServe } from '../support/mlts.ts';
import { testModel } from '../support/models.ts';
import { python } from '../support/python.ts';
import { Bare, chain, eventually, gate, startServer, temporaryFolder } from '../support/servers.ts';
import { Springs } from '../support/springs.ts';
import { potentialVector } from '../support/vectors.ts';

/** Springs under the same name that are other bytes. */
function springs(stiffness: number, digit: string): Springs & { closed: boolean } {
  const made = new Springs('springs', [stiffness]);
  Object.assign(made, { model: { ...made.model, sha256: digit.repeat(64) }, closed: false });
  return made as Springs & { closed: boolean };
}

async function connect(endpoint: string): Promise<Client> {
  const client = await Client.connect(endpoint);
  onTestFinished(() => client.close());
  return client;
}

const [OLD, NEW] = ['a'.repeat(64), 'b'.repeat(64)];
/** 1 Å from the origin: ½k eV. */
const ATOM = chain(1);

describe('a server whose model is replaced', () => {
  it('gives new sessions the new one; old sessions and clients that insist keep theirs', async () => {
    const { server, endpoint } = await startServer({ potentials: [springs(2, 'a')] });
    const [before, bare] = [await connect(endpoint), new Bare(endpoint)];
    const session = await before.open({ numbers: ATOM.numbers });
    expect(await session.evaluate(ATOM.positions)).toMatchObject({ energy: 1, sha256: OLD });
    void server.replace(springs(6, 'b'));
    expect(await session.evaluate(ATOM.positions)).toMatchObject({ energy: 1, sha256: OLD });
    // A client of before is not surprised by another model either, in a new session or without one.
    const second = await before.open({ numbers: ATOM.numbers });
    expect(await second.evaluate(ATOM.positions)).toMatchObject({ energy: 1, sha256: OLD });
    expect(await before.evaluate(ATOM)).toMatchObject({ energy: 1, sha256: OLD });
    expect(await before.evaluateMany([ATOM])).toMatchObject([{ energy: 1, sha256: OLD }]);
    const after = await connect(endpoint);
    expect(await after.evaluate(ATOM)).toMatchObject({ energy: 3, sha256: NEW });
    const fresh = await after.open({ numbers: ATOM.numbers });
    expect(await fresh.evaluate(ATOM.positions)).toMatchObject({ energy: 3, sha256: NEW });
    const open = { type: 'open', id: 1, numbers: ATOM.numbers };
    expect(await bare.ask<OpenReply>(open)).toMatchObject({ sha256: NEW });
    expect(await bare.ask<OpenReply>({ ...open, sha256: OLD, model: 'springs' })).toMatchObject({ sha256: OLD });
    expect(await bare.ask({ ...open, sha256: 'c'.repeat(64) })).toMatchObject({ code: 'E_HASH' });
    expect(await after.models()).toMatchObject([{ name: 'springs', sha256: NEW }]);
  });

  it('finishes on the old one what was accepted before', async () => {
    const old = springs(2, 'a');
    const { opened, open } = gate();
    old.work = () => opened;
    const { server, endpoint } = await startServer({ potentials: [old] });
    const client = await connect(endpoint);
    const accepted = Promise.all(Array.from({ length: 8 }, () => client.evaluate(ATOM)));
    await eventually(() => server.stats().queue.requests === 8, 'eight requests wait');
    void server.replace(springs(6, 'b'));
    open();
    for (const result of await accepted) expect(result).toMatchObject({ energy: 1, sha256: OLD });
  });

  it('gives the old one back once no session has it and nobody asked for it for a while', async () => {
    const [old, young] = [springs(2, 'a'), springs(6, 'b')];
    const limits = { idleRelease: 0.05, idleClose: 0.3 };
    const { server, endpoint } = await startServer({ potentials: [old], limits });
    const client = await connect(endpoint);
    const session = await client.open({ numbers: ATOM.numbers });
    let unused: unknown;
    void server.replace(young).then((potential) => {
      unused = potential;
    });
    expect(server.stats().memory.models).toBe(16);
    const end = performance.now() + 700;
    while (performance.now() < end) {
      expect(await session.evaluate(ATOM.positions)).toMatchObject({ sha256: OLD });
      expect(unused).toBeUndefined();
    }
    session.close();
    await eventually(() => unused === old, 'the old one is unused');
    expect(old.trajectories).toBe(0);
    expect(server.stats().memory.models).toBe(8);
    const failed = await client.evaluate(ATOM).catch((error: MltsError) => error);
    expect(failed).toMatchObject({ code: 'E_HASH' });
  });

  it('takes no model of another name', async () => {
    const { server } = await startServer({ potentials: [springs(2, 'a')] });
    expect(() => server.replace(new Springs('other'))).toThrow(/^E_MODEL_NOT_FOUND: no model 'other' here/);
  });
});

describe('mlts serve --watch', () => {
  const model = testModel('test-two');
  const gas = potentialVector('two-gas').input;

  /** The same model with its first weights doubled. */
  function changed(): Uint8Array {
    const tensors = new Map(model.tensors);
    const [name, tensor] = [...tensors].find(([key]) => key.includes('weight'))!;
    tensors.set(name, { ...tensor, data: tensor.data.map((x) => 2 * x) as typeof tensor.data });
    return encodeModel(model.card, tensors);
  }

  it('takes up a promoted model while a client runs, and no other file', async () => {
    const folder = temporaryFolder();
    const [served, candidate] = [join(folder, 'served.mlts'), join(folder, 'candidate.mlts')];
    copyFileSync(model.path(), served);
    const { endpoints, models, process: child, ended } = await startServe([served, '--watch', '--threads', '1']);
    const [{ sha256: old }] = models;
    const runner = await RemotePotential.connect(endpoints[0]);
    onTestFinished(() => runner.close());
    const system = { ...gas, trajectory: runner.createTrajectory() };
    const energyOf = async () => {
      const [outcome] = await runner.evaluate([system], new Set(['forces']), { precision: 'double' });
      return (outcome as { energy: number }).energy;
    };
    const first = await energyOf();
    const hashNow = async () => {
      const client = await Client.connect(endpoints[0]);
      const { sha256, energy } = await client.evaluate(gas, { precision: 'double' });
      client.close();
      return { sha256, energy };
    };
    const until = async (condition: () => Promise<boolean>, what: string) => {
      const end = performance.now() + 15_000;
      while (!(await condition())) {
        // The one that runs goes on all the time with the model that it began with.
        expect(await energyOf()).toBe(first);
        if (performance.now() > end) throw new Error(`waited 15 s in vain: ${what}`);
      }
    };
    writeFileSync(candidate, changed());
    publish(candidate, served);
    await until(async () => (await hashNow()).sha256 !== old, 'the new model is served');
    const now = await hashNow();
    expect(Math.abs(now.energy - first)).toBeGreaterThan(1e-6);
    expect(await energyOf()).toBe(first);
    // A file that is no model changes nothing.
    let said = '';
    child.stderr?.on('data', (text: string) => {
      said += text;
    });
    writeFileSync(candidate, 'no model');
    publish(candidate, served);
    await until(async () => said.includes('the model before stays'), 'the server says that it keeps its model');
    expect(await hashNow()).toEqual(now);
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 0 });
  });

  it('a calculator of ASE keeps its model, in new sessions too; a new one gets the new model', async () => {
    const folder = temporaryFolder();
    const [served, candidate] = [join(folder, 'served.mlts'), join(folder, 'candidate.mlts')];
    copyFileSync(model.path(), served);
    writeFileSync(candidate, changed());
    const { endpoints } = await startServe([served, '--watch', '--threads', '1']);
    const { numbers, positions } = gas;
    const { hashes, energies } = python<{ hashes: string[]; energies: number[] }>(
      `import os, time
from ase import Atoms
from mlts_ase import MLTS
endpoint, numbers, positions, candidate, served = given
def gas(n=len(numbers)):
    return Atoms(numbers=numbers[:n], positions=[positions[3 * i : 3 * i + 3] for i in range(n)])
def measure(calc, atoms):
    atoms.calc = calc
    return atoms.get_potential_energy()
old = MLTS(endpoint)
energies, hashes = [measure(old, gas()), measure(old, gas(len(numbers) - 1))], [old.model["sha256"]]
os.rename(candidate, served)
end = time.monotonic() + 20
while True:
    new = MLTS(endpoint)
    energy = measure(new, gas())
    if new.model["sha256"] != hashes[0]:
        break
    assert time.monotonic() < end, "the new model was not taken up"
# Another number of atoms takes another session.
energies += [measure(old, gas(len(numbers) - 1)), measure(old, gas()), energy]
hashes += [old.model["sha256"], new.model["sha256"]]
result = {"energies": energies, "hashes": hashes}`,
      [endpoints[0], [...numbers], [...positions], candidate, served],
    );
    expect(hashes[1]).toBe(hashes[0]);
    expect(hashes[2]).not.toBe(hashes[0]);
    expect(energies[2]).toBeCloseTo(energies[1], 4);
    expect(energies[3]).toBeCloseTo(energies[0], 4);
    expect(Math.abs(energies[4] - energies[0])).toBeGreaterThan(1e-3);
  });
});
