/**
 * Cutoff functions f(r) and their derivatives f′(r), dimensionless and 1/Å. Needs 0 < r ≤ rc.
 * Source: doi:10.1039/C6SC05720A (cosine); TorchANI (smooth). docs/maths.md, eq. 2.
 */
export interface Cutoff {
  value(r: number, rc: number): number;
  slope(r: number, rc: number): number;
}

/** f = ½ cos(π r/rc) + ½ */
const cosine: Cutoff = {
  value: (r, rc) => 0.5 * Math.cos((Math.PI * r) / rc) + 0.5,
  slope: (r, rc) => ((-0.5 * Math.PI) / rc) * Math.sin((Math.PI * r) / rc),
};

/** The exponent is held where 1 − (r/rc)² would be less than this. */
const FLOOR = 1e-10;

/** f = exp(1 − 1/y), y = 1 − (r/rc)² */
const smooth: Cutoff = {
  value: (r, rc) => Math.exp(1 - 1 / Math.max(FLOOR, 1 - (r / rc) ** 2)),
  slope: (r, rc) => {
    const y = Math.max(FLOOR, 1 - (r / rc) ** 2);
    return (-Math.exp(1 - 1 / y) * 2 * r) / (rc * rc * y * y);
  },
};

export const cutoffs = { cosine, smooth } as const;
