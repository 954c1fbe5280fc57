/** One client in a process of its own: ENDPOINT STRUCTURE SECONDS. Says `ready` when warm, begins when told; its step times go to the parent. */
import { Stepper } from './stepper.ts';
import { readStructure } from './structures.ts';

const WARM_UP = 1; // s: until compilers have settled

const [endpoint, structure, seconds] = process.argv.slice(2);
const stepper = await Stepper.open(endpoint, readStructure(structure));
await stepper.times(WARM_UP);
const told = new Promise((resolve) => process.once('message', resolve));
process.send?.('ready');
await told;
const times = await stepper.times(Number(seconds));
stepper.close();
process.send?.(times);
process.disconnect?.();
