/**
 * What is known of the published ANI ensembles, by the SHA-256 of their weights.
 */
import { createHash } from 'node:crypto';
import type { CommonCard } from './card-common.ts';
import type { Tensor } from './safetensors.ts';

type Facts = Pick<CommonCard, 'provenance' | 'licence' | 'citation'>;

const NO_LICENCE = 'none stated by the publisher: ask before redistributing';

const PUBLISHED: Readonly<Record<string, Facts>> = {
  // ANI-1x
  '196791b5c2299f0ffb84df7834374cef1d8566545cc96036f948af66bbcfa040': {
    provenance: { source: 'NeuroChem ani-1x_8x', data: 'ANI-1x', level_of_theory: 'ωB97X/6-31G(d)' },
    licence: 'MIT',
    citation: 'doi:10.1063/1.5023802',
  },
  // ANI-1ccx
  '97224aaaa84053b86f95e96d8926a7ba55fcd783ada82336a0059d0e7b72d259': {
    provenance: { source: 'NeuroChem ani-1ccx_8x', data: 'ANI-1x, then ANI-1ccx', level_of_theory: 'CCSD(T)*/CBS' },
    licence: 'MIT',
    citation: 'doi:10.1038/s41467-019-10827-4',
  },
  // ANI-2x
  b73eeb9b111dc488c18cd9dd73f4bd1f763172adb6e1a696eaf635f3f6e87500: {
    provenance: { source: 'NeuroChem ani-2x_8x', data: 'ANI-2x', level_of_theory: 'ωB97X/6-31G(d)' },
    licence: 'MIT',
    citation: 'doi:10.1021/acs.jctc.0c00121',
  },
  // ANI-Al
  '02ba5efcc31e0a3500f0b3e670622c382217aecbb2af78242e908588e2f45e69': {
    provenance: { source: 'NeuroChem model-Al-75', data: 'ANI-Al', level_of_theory: 'PBE' },
    licence: NO_LICENCE,
    citation: 'doi:10.1038/s41467-021-21376-0',
  },
  // ANI-1xnr
  fc99c280706ca3d9628b6eb002631a7f02b50efc8e2d5ac1ed779145a73232d9: {
    provenance: {
      source: 'NeuroChem ani-1xnr',
      data: 'ANI-1xnr',
      level_of_theory: 'BLYP/TZV2P, valence electrons only',
    },
    licence: NO_LICENCE,
    citation: 'doi:10.1038/s41557-023-01427-3',
  },
};

/** Provenance, licence and citation of a published set with these weights; nothing where it is not known. */
export function publishedFacts(tensors: ReadonlyMap<string, Tensor>): Facts {
  const hash = createHash('sha256');
  for (const name of [...tensors.keys()].sort()) hash.update((tensors.get(name) as Tensor).data);
  return PUBLISHED[hash.digest('hex')] ?? {};
}
