/** Elastic constants against known ones. */
import { type Elastic, elasticConstants } from '../../analysis/elastic.ts';
import { firstFrame } from '../../analysis/frames.ts';
import { missing, number, type Rule, refuse, settings, text } from '../../dynamics/input/rules.ts';
import { EV_PER_ANGSTROM3_IN_GPA as GPA } from '../../units.ts';
import { attempt } from './attempt.ts';
import type { Measurement } from './metric.ts';
import { fileRule } from './reference.ts';

/** GPa, by name: C11 … C66, bulk, shear (Hill's means) and young. */
const known: Rule<readonly (readonly [string, number])[]> = (input) => {
  const { fields = [] } = input;
  if (fields.length === 0) return refuse(input, 'constants in GPa, like {C11: 114, C12: 62, C44: 32}');
  return fields.map(({ name, place, input: value }) =>
    /^(C[1-6][1-6]|bulk|shear|young)$/.test(name)
      ? ([name, number({ unit: 'GPa' })(value)] as const)
      : refuse({ place, scalar: name }, 'C11 … C66, bulk, shear or young'),
  );
};

const constantOf = ({ constants, bulk, shear, young }: Elastic, name: string): number => {
  if (name === 'young') return GPA * young;
  if (name === 'bulk') return GPA * bulk.hill;
  if (name === 'shear') return GPA * shear.hill;
  return GPA * constants[Number(name[1]) - 1][Number(name[2]) - 1];
};

/** How far each constant is off, GPa, the crystal at rest by the model. */
export const elastic: Rule<Measurement> = (input) => {
  const given = settings<{ kind?: string; name?: string; structure?: string; reference?: ReturnType<typeof known> }>(
    { kind: text, name: text, structure: fileRule, reference: known },
    'elastic constants',
  )(input);
  const { name = 'elastic constants', structure, reference } = given;
  if (structure === undefined) throw missing(input, 'of which crystal', 'structure');
  if (reference === undefined) throw missing(input, 'what they should be', 'reference');
  return {
    name,
    measure: async ({ potential, say, signal }) => {
      const found = await attempt(name, say, () => elasticConstants(potential, firstFrame(structure), { signal }));
      return reference.map(([constant, want]) => ({
        name: `${name}: ${constant}`,
        value: found === undefined ? Infinity : Math.abs(constantOf(found, constant) - want),
        ...{ unit: 'GPa', resolution: 1 },
      }));
    },
  };
};
