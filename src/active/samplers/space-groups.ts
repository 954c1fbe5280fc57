/** Random crystals in random space groups, by PyXtal (doi:10.1016/j.cpc.2020.107810). */
import { list, missing, number, settings, text, whole } from '../../dynamics/input/rules.ts';
import { symbolOf } from '../../elements.ts';
import type { Kind } from './kind.ts';
import { structuresBy } from './python.ts';
import { composition, length, range } from './rules.ts';
import { isTight, type Range } from './sampler.ts';

/** Groups and counts are drawn there, for many do not fit together; `tries` draws a structure. */
const SCRIPT = `
import json, random, sys, warnings
warnings.filterwarnings("ignore")
try:
    from pyxtal import pyxtal
except ImportError:
    sys.exit(3)
settings = json.loads(sys.argv[1])
import numpy
source = random.Random(settings["seed"])
for _ in range(settings["count"]):
    for _ in range(settings["tries"]):
        counts = [source.randint(*span) for span in settings["counts"]]
        species = [s for s, n in zip(settings["elements"], counts) if n > 0]
        counts = [n for n in counts if n > 0]
        if not counts:
            continue
        crystal = pyxtal()
        try:
            crystal.from_random(3, source.choice(settings["groups"]), species, counts, source.uniform(*settings["factor"]),
                                random_state=numpy.random.default_rng(source.getrandbits(31)))
        except Exception:
            continue
        if crystal.valid:
            atoms = crystal.to_ase()
            cell = " ".join(f"{x:.10f}" for x in atoms.cell.array.ravel())
            print(len(atoms))
            print(f'Lattice="{cell}" Properties=species:S:1:pos:R:3 space_group={crystal.group.number} pbc="T T T"')
            for symbol, (x, y, z) in zip(atoms.get_chemical_symbols(), atoms.get_positions()):
                print(f"{symbol} {x:.10f} {y:.10f} {z:.10f}")
            break
`;

/** Draws of one structure before it is given up. */
const TRIES = 50;
const ALL_GROUPS = Array.from({ length: 230 }, (_, i) => i + 1);

export const spaceGroupsKind: Kind = (input, name) => {
  const given = settings<{
    kind?: string;
    name?: string;
    composition?: ReadonlyMap<number, Range>;
    groups?: readonly number[];
    volume?: Range;
    min_distance?: number;
    count?: number;
  }>(
    {
      ...{ kind: text, name: text, min_distance: length, count: whole(1, 100_000) },
      composition: composition(range(whole(0, 1000))),
      groups: list(whole(1, 230)),
      volume: range(number({ above: 0, most: 20 })),
    },
    'space-groups',
  )(input);
  const { composition: atoms, groups = ALL_GROUPS, volume = [0.8, 1.5], count = 50 } = given;
  if (atoms === undefined)
    throw missing(input, 'how many atoms of which elements in the primitive cell', 'composition');
  const minDistance = given.min_distance ?? 1;
  return {
    ...{ name, needsModel: false, sources: [] },
    propose: async ({ seed, signal }) => {
      const drawn = { elements: [...atoms.keys()].map(symbolOf), counts: [...atoms.values()] };
      const wanted = { ...drawn, groups, factor: volume, count, tries: TRIES, seed };
      const found = await structuresBy(SCRIPT, wanted, { needs: 'pyxtal', signal });
      // PyXtal's own distances are shorter than any that are of use.
      const frames = found.filter((frame) => !isTight(frame, minDistance));
      return {
        frames,
        discarded: { 'no crystal found': count - found.length, 'too close': found.length - frames.length },
      };
    },
  };
};
