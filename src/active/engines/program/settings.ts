/** What is read of an output: numbers in the groups of a regular expression, in a unit. */
export interface Reading {
  /** In the folder of the run; without one, what the program writes on stdout and stderr. */
  readonly file?: string | undefined;
  /** With flags gm. */
  readonly pattern: string;
  /** Factor that turns a number into eV, eV/Å or eV/Å³: the unit, and its sign. */
  readonly factor: number;
}

/** Any program that reads files and writes text. Templates are here as text: they travel with the manifest. */
export interface ProgramSettings {
  readonly kind: 'program';
  readonly level: string;
  /** For people, beside each label. */
  readonly program: string;
  readonly command: readonly string[];
  /** Templates by the name of the file that is written. */
  readonly input: Readonly<Record<string, string>>;
  /** The last match counts. One group. */
  readonly energy: Reading;
  /** The last match of each atom in turn. Three groups. */
  readonly forces: Reading;
  /** The last three matches of three groups, or the last one of nine. */
  readonly stress?: Reading | undefined;
  /** Where it matches what was written on stdout, the answer is none. */
  readonly not_converged?: string | undefined;
}
