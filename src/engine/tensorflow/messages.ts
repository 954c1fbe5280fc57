/** What passes between tensorflow.ts and its worker. Errors travel as plain objects. */
import type { MltsError } from '../../errors.ts';
import type { Model } from '../../model/model.ts';
import type { AddonError } from '../native.ts';
import type { Result, System, Want } from '../potential.ts';

export type Question =
  | { readonly id: number; readonly open: Model }
  | {
      readonly id: number;
      /** The id under which the model was opened. */
      readonly model: number;
      readonly batch: readonly Omit<System, 'trajectory'>[];
      readonly want: ReadonlySet<Want>;
      /** Shared; not 0 once the caller gives up. */
      readonly cancelled: Int32Array;
    }
  | { readonly id: number; readonly close: number };

export type Answer =
  | { readonly id: number; readonly bytes: number }
  /** One a system; undefined: to be evaluated in double precision. */
  | { readonly id: number; readonly outcomes: readonly (Result | { readonly fault: AddonError } | undefined)[] }
  | { readonly id: number; readonly failure: AddonError };

export const plain = ({ code, what, remedy, atom }: MltsError): AddonError =>
  atom === undefined ? { code, what, remedy } : { code, what, remedy, atom };
