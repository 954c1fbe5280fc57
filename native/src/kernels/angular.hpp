// The two factors of the angular symmetry functions for one vector of triples (eq. 5-7 of docs/maths.md):
// F1 = h^ζ of the angle, one per section; F2 = exp(−η(w − R_a)²) of the distances, one per shell.
#pragma once

#include "triples.hpp"

namespace mlts::MLTS_ISA {

// out = h^(ζ−1), n at a time; what would underflow stays at 1e-24, for denormal numbers are slow.
template <class T, int n>
MLTS_INLINE void powers(const Descriptor<T>& d, const Vec<T>* h, Vec<T>* out) {
  if (d.polynomialDegree < 0) {
#pragma GCC unroll 8
    for (int z = 0; z < n; z++) out[z] = exp<T>(log(h[z]) * (d.zeta - 1));
    return;
  }
  Vec<T> square[n];
#pragma GCC unroll 8
  for (int z = 0; z < n; z++) {
    square[z] = max(h[z], splat(d.smallestBase));
    out[z] = splat(d.polynomial[d.polynomialDegree]);
  }
  for (int k = d.polynomialDegree - 1; k >= 0; k--) {
    const T coefficient = d.polynomial[k];
#pragma GCC unroll 8
    for (int z = 0; z < n; z++) out[z] = out[z] * h[z] + coefficient;
  }
  for (int bits = d.power;;) {
    if (bits & 1) {
#pragma GCC unroll 8
      for (int z = 0; z < n; z++) out[z] *= square[z];
    }
    bits >>= 1;
    if (bits == 0) break;
#pragma GCC unroll 8
    for (int z = 0; z < n; z++) square[z] *= square[z];
  }
}

// The damped angle of a vector of triples: x = cos θ = 0.95 cos(angle), s = sin θ ≥ 0.31.
template <class T>
struct Angle {
  Vec<T> x, s;
  MLTS_INLINE explicit Angle(Vec<T> c) : x(c * T(0.95)), s(sqrt(T(1) - x * x)) {}
};

// Where the sections of a vector of triples come from: `first`, `first + 1` … for all lanes,
struct SameSections {
  int first;
  template <class T>
  MLTS_INLINE Vec<T> pick(const T* table, int i) const {
    return splat(table[first + i]);
  }
};
// or those within reach of each lane's own angle.
template <class T>
struct LaneSections {
  IntVec<T> first;
  MLTS_INLINE LaneSections(const Descriptor<T>& d, Vec<T> cosine)
      : first(-((cosine < d.windowThreshold[0]) + (cosine < d.windowThreshold[1]) + (cosine < d.windowThreshold[2]))) {}
  MLTS_INLINE Vec<T> pick(const T* table, int i) const { return lookup(loadu(table), first + i); }
};

// The angle for the forward pass: its h with what rounding to T loses, for ζ may be 70, and F1 multiplies an error of h
// by as much. float takes the angle through double.
template <class T>
struct PreciseAngle;
template <>
struct PreciseAngle<float> {
  Vec<double> x[2], s[2];
  MLTS_INLINE explicit PreciseAngle(Vec<float> c) {
    widen(c, x);
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
      x[i] *= 0.95;
      s[i] = sqrt(1.0 - x[i] * x[i]);
    }
  }
  MLTS_INLINE void section(double halfCosine, double halfSine, Vec<float>& h, Vec<float>& rest) const {
    Vec<double> exact[2];
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) exact[i] = x[i] * halfCosine + s[i] * halfSine;
    const Vec<float> half = narrow(exact);
    h = half + 0.5f;
    rest = (0.5f - h) + half;
  }
};
template <>
struct PreciseAngle<double> : Angle<double> {
  using Angle::Angle;
  MLTS_INLINE void section(double halfCosine, double halfSine, Vec<double>& h, Vec<double>& rest) const {
    const Vec<double> half = x * halfCosine + s * halfSine;
    h = half + 0.5;
    rest = (0.5 - h) + half;
  }
};

// F1 of n sections from the first on.
template <class T, int n>
MLTS_INLINE void sections(const Descriptor<T>& d, const PreciseAngle<T>& angle, int first, Vec<T>* f1) {
  Vec<T> h[n], rest[n], power[n];
#pragma GCC unroll 8
  for (int z = 0; z < n; z++) angle.section(d.halfCosZ[first + z], d.halfSinZ[first + z], h[z], rest[z]);
  powers<T, n>(d, h, power);
#pragma GCC unroll 8
  for (int z = 0; z < n; z++) f1[z] = power[z] * (h[z] + rest[z] * d.zeta);
}
// F1 and dF1/dc = 0.475 ζ h^(ζ−1) sin(θ − θ_z) / s.
template <class T, int n, class Sections>
MLTS_INLINE void sectionsAndDerivatives(const Descriptor<T>& d, const Angle<T>& angle, const Sections& which,
                                        Vec<T>* f1, Vec<T>* df1) {
  Vec<T> h[n], power[n], sine[n];
#pragma GCC unroll 8
  for (int z = 0; z < n; z++) {
    const Vec<T> cosZ = which.pick(d.cosZ, z), sinZ = which.pick(d.sinZ, z);
    h[z] = (angle.x * cosZ + angle.s * sinZ) * T(0.5) + T(0.5);
    sine[z] = angle.s * cosZ - angle.x * sinZ;
  }
  const Vec<T> scale = (T(0.475) * d.zeta) / angle.s;
  powers<T, n>(d, h, power);
#pragma GCC unroll 8
  for (int z = 0; z < n; z++) {
    f1[z] = h[z] * power[z];
    df1[z] = power[z] * scale * sine[z];
  }
}

// Shells that some lane can see above the tolerance.
struct ShellRange {
  int begin, end;
};
template <class T>
MLTS_INLINE ShellRange shellRange(const Descriptor<T>& d, Vec<T> w) {
  const T nearest = smallest<T>(w) - d.angularReach, farthest = largest<T>(w) + d.angularReach;
  ShellRange range{0, d.angularShifts};
  while (range.begin < range.end && d.shiftsA[range.begin] < nearest) range.begin++;
  while (range.begin < range.end && d.shiftsA[range.end - 1] > farthest) range.end--;
  return range;
}

// F2 of the shells in range, one vector after the other. Each by its own exponential: a recurrence over the shells
// needs fewer, but cancels large exponents and costs a digit of the energy in float.
template <class T>
MLTS_INLINE void shells(const Descriptor<T>& d, const TripleTile<T>& tile, int at, ShellRange range, T* f2) {
  const Vec<T> w = load(tile.w + at);
  for (int a = range.begin; a < range.end; a++) {
    const Vec<T> distance = w - d.shiftsA[a];
    store(f2 + a * lanes<T>, exp2(distance * distance * d.shellExponent));
  }
}

}  // namespace mlts::MLTS_ISA
