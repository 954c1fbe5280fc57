/** Ctrl-C and SIGTERM: the first one asks, a later one ends the process at once. */

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
/** Who passes a signal on (`timeout`, npm, mpiexec) sends what the whole process group got already: no second wish. ms */
const SAME = 500;

/**
 * @param asked called once, with the first signal
 * @param code exit code where a later one ends the process
 */
export function onInterrupt(asked: (signal: NodeJS.Signals) => void, code: number): void {
  let first: number | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    const now = performance.now();
    if (first === undefined) {
      first = now;
      asked(signal);
    } else if (now - first > SAME) process.exit(code);
  };
  for (const name of SIGNALS) process.on(name, onSignal);
}
