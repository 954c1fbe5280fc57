import { STAGE_NAMES, type Stage, type StageName } from '../stage.ts';
import { append } from './append.ts';
import { assess } from './assess.ts';
import { label } from './label.ts';
import { promote } from './promote.ts';
import { propose } from './propose.ts';
import { score } from './score.ts';
import { select } from './select.ts';
import { train } from './train.ts';

/** In the order of a round. */
export const STAGES: readonly Stage[] = [propose, score, select, label, append, train, assess, promote];

export const stageOf = (name: StageName): Stage => STAGES[STAGE_NAMES.indexOf(name)];
