// What must be on the machine before set-up can do the rest. Each missing part is one line that says how to get it.
import { spawnSync } from 'node:child_process';
import { platform } from 'node:os';
import { firstLine, ToolError } from './process.mjs';

const NODE = [20, 19];
const CMAKE = [3, 20];
const PYTHON = [3, 10];

const mac = platform() === 'darwin';
const compilerRemedy = mac ? 'xcode-select --install' : 'apt-get install g++ make (or dnf install gcc-c++ make)';
const cmakeRemedy = mac ? 'brew install cmake' : 'apt-get install cmake (or pip install cmake)';
const pythonRemedy = mac ? 'brew install python' : 'apt-get install python3 python3-venv (or dnf install python3)';

/** @param {string | undefined} text @param {number[]} least */
function atLeast(text, least) {
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(text ?? '') ?? []).slice(1).map(Number);
  return major > least[0] || (major === least[0] && minor >= least[1]);
}

/** @param {string | undefined} compiler */
function compilesCxx20(compiler) {
  if (!compiler) return false;
  const probe =
    '#include <concepts>\n#include <span>\nint main() { std::span<int> s; return static_cast<int>(s.size()); }\n';
  return spawnSync(compiler, ['-std=c++20', '-fsyntax-only', '-x', 'c++', '-'], { input: probe }).status === 0;
}

/** @returns {string[]} one line for each thing that is missing */
function missing() {
  const lines = [];
  if (!atLeast(process.version, NODE)) {
    lines.push(
      `Node ${process.version} is too old: ${NODE.join('.')} or later is needed. Get it from https://nodejs.org`,
    );
  }
  const compilers = [process.env.CXX, 'c++', 'g++', 'clang++'];
  if (!compilers.some(compilesCxx20)) lines.push(`No C++20 compiler (g++ 11 or clang 14 and later): ${compilerRemedy}`);
  if (!firstLine('make', '--version') && !firstLine('ninja', '--version')) {
    lines.push(`Neither make nor ninja: ${compilerRemedy}`);
  }
  const cmake = firstLine('cmake', '--version');
  if (!atLeast(cmake, CMAKE)) {
    lines.push(`${cmake ?? 'No CMake'}: ${CMAKE.join('.')} or later is needed: ${cmakeRemedy}`);
  }
  if (!findPython()) {
    lines.push(`No Python ${PYTHON.join('.')} or later with the venv module: ${pythonRemedy}`);
  }
  return lines;
}

/**
 * A Python that can make the project's environment: $PYTHON, else the newest on the path.
 * @returns {string | undefined}
 */
export function findPython() {
  const names = [process.env.PYTHON, 'python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10'];
  return names.find(
    (name) =>
      name &&
      firstLine(name, '-c', `import sys, venv, ensurepip; assert sys.version_info >= (${PYTHON.join(',')}); print(1)`),
  );
}

/** @throws ToolError with one line a missing part */
export function preflight() {
  const lines = missing();
  if (lines.length > 0) throw new ToolError(lines.join('\n'));
}
