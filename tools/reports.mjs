// What the test runners' own reports say, counted alike: vitest's JSON, and the JUnit XML of ctest and pytest.
import { existsSync, readFileSync } from 'node:fs';

/**
 * @typedef {object} Tally
 * @property {number} passed
 * @property {string[]} failed names
 * @property {string[]} skipped names with the reason where the report has one
 */

/**
 * @param {string} file
 * @returns {Tally}
 */
export function readVitest(file) {
  /** @type {Tally} */
  const tally = { passed: 0, failed: [], skipped: [] };
  if (!existsSync(file)) return tally;
  for (const suite of JSON.parse(readFileSync(file, 'utf8')).testResults) {
    for (const { status, fullName } of suite.assertionResults) {
      if (status === 'passed') tally.passed++;
      else (status === 'failed' ? tally.failed : tally.skipped).push(fullName);
    }
    // A file that throws before its first test has no assertion to carry the failure.
    if (suite.status === 'failed' && suite.assertionResults.length === 0) tally.failed.push(suite.name);
  }
  return tally;
}

/**
 * @param {string} file
 * @returns {Tally}
 */
export function readJunit(file) {
  /** @type {Tally} */
  const tally = { passed: 0, failed: [], skipped: [] };
  if (!existsSync(file)) return tally;
  const xml = readFileSync(file, 'utf8');
  for (const [, attributes, body = ''] of xml.matchAll(/<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)) {
    const name = [attribute(attributes, 'classname'), attribute(attributes, 'name')].filter(Boolean).join(' ');
    const skip = /<skipped\b([^>]*)/.exec(body);
    const notRun = /status="(notrun|disabled)"/.test(attributes);
    if (/<(failure|error)\b/.test(body)) tally.failed.push(name);
    else if (skip || notRun) tally.skipped.push(`${name}: ${attribute(skip?.[1] ?? '', 'message')}`);
    else tally.passed++;
  }
  return tally;
}

/** @param {string} attributes @param {string} name */
function attribute(attributes, name) {
  return new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? '';
}
