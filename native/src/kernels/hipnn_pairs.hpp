// The pairs of one atom: neighbours within the cutoff, by bins of distance; and the sensitivity functions of each.
#pragma once

#include "../hipnn/kernels.hpp"
#include "neighbour_terms.hpp"
#include "neighbours.hpp"

namespace mlts::MLTS_ISA {

template <class T>
int findPairs(const Candidates& candidates, const PairBins<T>& bins, const std::int32_t* rowOf,
              const PairArrays<T>& out) {
  constexpr int L = lanes<T>;
  constexpr int most = 65535;
  const int capacity = static_cast<int>(candidates.end[candidates.elements - 1]) + blockWidth;
  T* const spare = static_cast<T*>(out.spare);
  Appended<T> near{spare, spare + capacity, spare + 2 * capacity, spare + 3 * capacity,
                   reinterpret_cast<std::int32_t*>(spare + 4 * capacity)};
  // Ends of the elements go where the bins' ends are written last.
  std::uint16_t* const elementEnd = out.end + bins.bins * candidates.elements;
  std::uint32_t at = 0;
  for (int e = 0; e < candidates.elements; e++) {
    for (const std::uint32_t end = candidates.end[e]; at < end; at += L) {
      const Differences<T> d(candidates.points, candidates.index + at, candidates.center);
      const unsigned inside = bits(d.r <= bins.cutoff) & lowBits(static_cast<int>(end - at));
      if (inside) near.add(d, candidates.index + at, inside);
    }
    at = candidates.end[e];
    if (near.count > most) return -1;
    elementEnd[e] = static_cast<std::uint16_t>(near.count);
  }
  const int count = near.count, stride = pairStride(count);
  T *const r = out.values, *const ux = r + stride, *const uy = ux + stride, *const uz = uy + stride;
  Vec<T> closest = splat(2 * bins.cutoff);
  int found = 0;
  for (int q = 0; q <= bins.bins; q++) {
    const Vec<T> low = splat(q < bins.bins ? bins.nearest[q] : T(-1));
    const Vec<T> high = splat(q > 0 ? bins.nearest[q - 1] : 2 * bins.cutoff);
    int p = 0;
    for (int e = 0; e < candidates.elements; e++) {
      const int end = elementEnd[e];
      for (; p < end; p += L) {
        const Vec<T> distance = loadu(near.r + p);
        const unsigned mask = bits((distance > low) & (distance <= high)) & lowBits(end - p);
        if (!mask) continue;
        const Vec<T> inverse = T(1) / distance;
        compress<T>(r + found, distance, mask);
        compress<T>(ux + found, loadu(near.dx + p) * inverse, mask);
        compress<T>(uy + found, loadu(near.dy + p) * inverse, mask);
        compress<T>(uz + found, loadu(near.dz + p) * inverse, mask);
        compress<L>(out.row + found, near.atom + p, mask);
        found += __builtin_popcount(mask);
      }
      p = end;
      out.end[q * candidates.elements + e] = static_cast<std::uint16_t>(found);
    }
  }
  for (int i = 0; i < blockWidth; i += L) storeu(r + count + i, splat(bins.cutoff));
  for (int k = 1; k < 4; k++)
    for (int i = 0; i < blockWidth; i += L) storeu(r + k * stride + count + i, Vec<T>{});
  for (int i = 0; i < count; i += L) {
    const Vec<T> distance = loadu(r + i);
    closest = min(closest, distance);
  }
  *out.nearest = smallest<T>(closest);
  for (int k = 0; k < count; k++) out.row[k] = rowOf[candidates.owner[out.row[k]]];
  for (int i = 0; i < blockWidth; i++) out.row[count + i] = count > 0 ? out.row[count - 1] : 0;
  return count;
}

template <class T>
constexpr int toVectors(int n) {
  return (n + lanes<T> - 1) / lanes<T> * lanes<T>;
}

template <class T>
std::size_t sensitivityCount(const Sensitivity<T>& f, const Pairs<T>& pairs) {
  std::size_t n = 0;
  for (int q = 0; q < pairs.bins; q++)
    n += static_cast<std::size_t>(f.width[q]) * toVectors<T>(pairs.binEnd(q) - pairs.begin(q));
  return n + static_cast<std::size_t>(pairs.count - pairs.begin(pairs.bins)) * toVectors<T>(f.nearWidth);
}

// Where the window of a near pair begins, from 1/r.
template <class T>
MLTS_INLINE int nearWindow(const Sensitivity<T>& f, T inverse) {
  const T cell = (inverse - f.nearLow) * f.nearScale;
  return f.nearFirst[cell > 0 ? (cell < nearCells - 1 ? static_cast<int>(cell) : nearCells - 1) : 0];
}

// s and, where wanted, ds/dr = e·(σ²(1/r − 1/μ)φ/r² + φ′).
template <class T, bool derivative>
MLTS_INLINE void evaluateSensitivities(const Sensitivity<T>& f, const Pairs<T>& pairs, T* s, T* ds) {
  constexpr int L = lanes<T>;
  for (int q = 0; q < pairs.bins; q++) {
    const int begin = pairs.begin(q), n = pairs.binEnd(q) - begin, width = f.width[q], rounded = toVectors<T>(n);
    const T *mu = f.inverseMu + f.first[q], *exponent = f.exponent + f.first[q], *slope = f.slope + f.first[q];
    for (int p = 0; p < n; p += L) {
      const Vec<T> r = loadu(pairs.r + begin + p), u = T(1) / r;
      Vec<T> phi, dphi;
      cutoff<T>(false, r, f.cutoff, T(1), phi, dphi);
      const Vec<T> factor = phi * u * u;
      for (int w = 0; w < width; w++) {
        const Vec<T> d = u - mu[w], g = exp2(d * d * exponent[w]);
        store(s + w * rounded + p, g * phi);
        if constexpr (derivative) store(ds + w * rounded + p, g * (slope[w] * d * factor + dphi));
      }
    }
    s += static_cast<std::size_t>(width) * rounded;
    if constexpr (derivative) ds += static_cast<std::size_t>(width) * rounded;
  }
  for (int p = pairs.begin(pairs.bins); p < pairs.count; p += L) {
    const Vec<T> r = loadu(pairs.r + p), u = T(1) / r;
    Vec<T> phi, dphi;
    cutoff<T>(false, r, f.cutoff, T(1), phi, dphi);
    alignas(64) T each[4][L];
    store(each[0], u);
    store(each[1], phi);
    store(each[2], phi * u * u);
    store(each[3], dphi);
    for (int k = 0; k < L && p + k < pairs.count; k++) {
      const int first = nearWindow(f, each[0][k]);
      for (int w = 0; w < f.nearWidth; w += L) {
        const Vec<T> d = each[0][k] - loadu(f.inverseMu + first + w), g = exp2(d * d * loadu(f.exponent + first + w));
        store(s, g * each[1][k]);
        s += L;
        if constexpr (derivative) {
          store(ds, g * (loadu(f.slope + first + w) * d * each[2][k] + each[3][k]));
          ds += L;
        }
      }
    }
  }
}
template <class T>
void sensitivities(const Sensitivity<T>& f, const Pairs<T>& pairs, T* s, T* ds) {
  if (ds) {
    evaluateSensitivities<T, true>(f, pairs, s, ds);
  } else {
    evaluateSensitivities<T, false>(f, pairs, s, nullptr);
  }
}

// A_c of one vector of pairs.
template <class T>
struct Directions {
  Vec<T> x, y, z;
  MLTS_INLINE Directions(const Pairs<T>& pairs, int p)
      : x(loadu(pairs.ux + p)), y(loadu(pairs.uy + p)), z(loadu(pairs.uz + p)) {}
  MLTS_INLINE Vec<T> component(int c) const {
    switch (c) {
      case 0:
        return splat(T(1));
      case 1:
        return x;
      case 2:
        return y;
      case 3:
        return z;
      case 4:
        return x * x - T(1) / 3;
      case 5:
        return x * y;
      case 6:
        return x * z;
      case 7:
        return y * y - T(1) / 3;
      default:
        return y * z;
    }
  }
};

}  // namespace mlts::MLTS_ISA
