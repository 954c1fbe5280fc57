/** Field names of TypeScript (`sigmaForces`) and of the wire (`sigma_forces`). */

function memo(rename: (name: string) => string): (name: string) => string {
  const known = new Map<string, string>();
  return (name) => {
    let renamed = known.get(name);
    if (renamed === undefined) {
      renamed = rename(name);
      known.set(name, renamed);
    }
    return renamed;
  };
}

/** Of a name from the program's own text: what is asked for once is remembered. */
export const wireName = memo((name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
export const fieldName = memo((name) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()));
