/** One client in a process of its own: ENDPOINT STRUCTURE SECONDS; its step times go to the parent. */
import { Stepper } from './stepper.ts';
import { readStructure } from './structures.ts';

const [endpoint, structure, seconds] = process.argv.slice(2);
const stepper = await Stepper.open(endpoint, readStructure(structure));
const times = await stepper.times(Number(seconds));
stepper.close();
process.send?.(times);
process.disconnect?.();
