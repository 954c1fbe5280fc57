#!/usr/bin/env node
// `npm test`: sets up, then runs every suite (TypeScript, C++ plain and under sanitizers, Python; LAMMPS in the loop is part
// of the first and the last). Ends with `N passed, N failed`. A suite that ran nothing has failed, and so has a test that was
// skipped: only tests on published weights may be left out, are told as not run, and fail too where
// MLTS_REQUIRE_PUBLISHED=1.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { buildDir, python, root, run, venv } from './process.mjs';
import { readJunit, readVitest } from './reports.mjs';
import { configure, runTool, setup } from './setup.mjs';

const reports = join(buildDir, 'reports');
const jobs = String(Math.min(availableParallelism(), 8));

/**
 * @typedef {object} Suite
 * @property {string} name
 * @property {() => Promise<number>} run exit status of the runner
 * @property {() => import('./reports.mjs').Tally} read
 */

/** @param {string} command @param {string[]} args */
const show = (command, args) => spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status ?? 1;

/**
 * The C++ tests of one build tree.
 * @param {string} name
 * @param {string} tree relative to the root
 * @param {string} type
 * @param {...string} options
 * @returns {Suite}
 */
function cxx(name, tree, type, ...options) {
  const report = join(reports, `ctest-${tree.replaceAll('/', '-')}.xml`);
  return {
    name,
    run: async () => {
      await configure(tree, type, '-DBUILD_TESTING=ON', ...options);
      await run(`cmake-build-${tree.replaceAll('/', '-')}`, 'cmake', ['--build', tree, '--parallel', jobs]);
      return show('ctest', ['--test-dir', tree, '--output-on-failure', '--output-junit', report]);
    },
    read: () => readJunit(report),
  };
}

/** @type {Suite[]} */
const suites = [
  {
    name: 'TypeScript',
    run: async () =>
      show(join(root, 'node_modules', '.bin', 'vitest'), [
        ...['run', '--reporter=default', '--reporter=json', `--outputFile.json=${join(reports, 'vitest.json')}`],
      ]),
    read: () => readVitest(join(reports, 'vitest.json')),
  },
  cxx('C++', 'build', 'Release'),
  cxx('C++, address and undefined-behaviour sanitizers', 'build/sanitize', 'RelWithDebInfo', '-DMLTS_SANITIZE=ON'),
  {
    name: 'Python',
    run: async () => show(python, ['-m', 'pytest', `--junitxml=${join(reports, 'pytest.xml')}`]),
    read: () => readJunit(join(reports, 'pytest.xml')),
  },
];

/** What the tests of the TensorFlow.js backend need, in the user's data folder, by the verb that users have. */
async function tensorflow() {
  process.stderr.write('TensorFlow.js …\n');
  const start = performance.now();
  // The environment's Python has pip, that of the machine need not have it.
  const env = { ...process.env, PATH: `${join(venv, 'bin')}${delimiter}${process.env.PATH}` };
  await run('setup-tensorflow', process.execPath, ['dist/cli/main.js', 'setup', 'tensorflow'], { env });
  process.stderr.write(`TensorFlow.js: ready in ${((performance.now() - start) / 1000).toFixed(0)} s\n`);
}

const needsPublished = (/** @type {string} */ test) => /published/i.test(test);

await runTool(async () => {
  await setup();
  await tensorflow();
  rmSync(reports, { recursive: true, force: true });
  mkdirSync(reports, { recursive: true });
  // What tests leave behind lies in one folder: kept where one failed, so that it can be looked at.
  const scratch = mkdtempSync(join(tmpdir(), 'mlts-tests-'));
  process.env.TMPDIR = scratch;
  let passed = 0;
  const failed = [];
  const notRun = [];
  const mayMiss = process.env.MLTS_REQUIRE_PUBLISHED !== '1';
  for (const suite of suites) {
    process.stdout.write(`\n── ${suite.name} ${'─'.repeat(Math.max(0, 100 - suite.name.length))}\n`);
    const status = await suite.run();
    const tally = suite.read();
    const left = tally.skipped.filter((test) => mayMiss && needsPublished(test));
    const wrong = tally.skipped.filter((test) => !left.includes(test));
    passed += tally.passed;
    notRun.push(...left);
    failed.push(...tally.failed.map((test) => `${suite.name}: ${test}`));
    failed.push(...wrong.map((test) => `${suite.name}: skipped, which counts as failed: ${test}`));
    if (tally.passed + tally.failed.length + tally.skipped.length === 0) failed.push(`${suite.name}: no test ran`);
    else if (status !== 0 && tally.failed.length === 0) failed.push(`${suite.name}: its runner ended with ${status}`);
  }
  process.stdout.write('\n');
  for (const test of notRun) process.stdout.write(`not run (published weights absent): ${test}\n`);
  for (const test of failed) process.stdout.write(`failed: ${test}\n`);
  if (failed.length > 0) process.stdout.write(`their files: ${scratch}\n`);
  else rmSync(scratch, { recursive: true, force: true });
  process.stdout.write(`${passed} passed, ${failed.length} failed\n`);
  if (failed.length > 0) process.exitCode = 1;
});
