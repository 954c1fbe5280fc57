// Distances: which points are near (at a rebuild of the candidates), which candidates are neighbours (every step).
#pragma once

#include "transpose.hpp"

namespace mlts::MLTS_ISA {

inline int within(const float* const points[3], int first, int count, const float center[3], float limit,
                  std::int32_t* index, float* squared) {
  constexpr int L = lanes<float>;
  const Vec<float> x = splat(center[0]), y = splat(center[1]), z = splat(center[2]);
  IntVec<float> id = iota<float>() + first;
  int found = 0;
  for (int i = 0; i < count; i += L) {
    const int at = first + i;
    const Vec<float> dx = loadu(points[0] + at) - x, dy = loadu(points[1] + at) - y, dz = loadu(points[2] + at) - z;
    const Vec<float> r2 = dx * dx + dy * dy + dz * dz;
    const unsigned near = bits(r2 <= limit) & lowBits(count - i);
    compress(index + found, id, near);
    compress(squared + found, r2, near);
    found += __builtin_popcount(near);
    id += L;
  }
  return found;
}

// Two vectors of four or eight side by side.
template <class V>
MLTS_INLINE auto joined(V a, V b) {
  if constexpr (sizeof(V) / sizeof(a[0]) == 4) {
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
  } else {
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  }
}

// Differences to one vector of points, as T from doubles, and their lengths.
template <class T>
struct Differences {
  Vec<T> x, y, z, r;

  MLTS_INLINE Differences(const double* points, const std::int32_t* index, const double* center) {
    constexpr int L = lanes<T>;
    if constexpr (L == 2) {
      for (int k = 0; k < L; k++) {
        const double* p = points + 4 * static_cast<std::size_t>(index[k]);
        x[k] = p[0] - center[0], y[k] = p[1] - center[1], z[k] = p[2] - center[2];
      }
    } else {
      typedef double Four __attribute__((vector_size(32)));
      typedef T FourT __attribute__((vector_size(4 * sizeof(T))));
      Four c{center[0], center[1], center[2], 0};
      const auto difference = [&](int k) {
        Four p;
        __builtin_memcpy(&p, points + 4 * static_cast<std::size_t>(index[k]), sizeof p);
        return __builtin_convertvector(p - c, FourT);
      };
      // Point k goes to quarter k/4 of row k mod 4, so that the transposed rows come out in order.
      Vec<T> v[4];
#pragma GCC unroll 4
      for (int k = 0; k < 4; k++) {
        const FourT first = difference(k);
        if constexpr (L == 4) {
          v[k] = first;
        } else {
          const auto low = joined(first, difference(k + 4));
          if constexpr (L == 8) {
            v[k] = low;
          } else {
            v[k] = joined(low, joined(difference(k + 8), difference(k + 12)));
          }
        }
      }
      transposeQuarters(v);
      x = v[0], y = v[1], z = v[2];
    }
    r = sqrt(x * x + y * y + z * z);
  }
};

template <class T>
struct Appended {
  T *dx, *dy, *dz, *r;
  std::int32_t* atom;
  int count = 0;

  MLTS_INLINE void add(const Differences<T>& d, const std::int32_t* index, unsigned mask) {
    compress<T>(dx + count, d.x, mask);
    compress<T>(dy + count, d.y, mask);
    compress<T>(dz + count, d.z, mask);
    compress<T>(r + count, d.r, mask);
    compress<lanes<T>>(atom + count, index, mask);
    count += __builtin_popcount(mask);
  }
  // Moves all of `from` to the end; both have room for a vector more.
  MLTS_INLINE void take(Appended& from) {
    for (int i = 0; i < from.count; i += lanes<T>) {
      storeu(dx + count + i, loadu(from.dx + i));
      storeu(dy + count + i, loadu(from.dy + i));
      storeu(dz + count + i, loadu(from.dz + i));
      storeu(r + count + i, loadu(from.r + i));
    }
    __builtin_memcpy(atom + count, from.atom, from.count * sizeof *atom);
    count += from.count;
    from.count = 0;
  }
};

template <class T>
int filter(const Candidates& candidates, T radialCutoff, T angularCutoff, std::int32_t firstAtom,
           const CenterArrays<T>& out) {
  constexpr int L = lanes<T>;
  constexpr int most = 65535;
  const int capacity = candidates.end[candidates.elements - 1] + blockWidth;
  T* const spare = static_cast<T*>(out.spare);
  Appended<T> kept{out.dx, out.dy, out.dz, out.r, out.atom};
  Appended<T> outer{spare, spare + capacity, spare + 2 * capacity, spare + 3 * capacity,
                    reinterpret_cast<std::int32_t*>(spare + 4 * capacity)};
  std::uint16_t* segment = out.segment;
  *segment++ = 0;
  std::uint32_t at = 0;
  for (int e = 0; e < candidates.elements; e++) {
    for (const std::uint32_t end = candidates.end[e]; at < end; at += L) {
      const Differences<T> d(candidates.points, candidates.index + at, candidates.center);
      const unsigned near = bits(d.r <= radialCutoff) & lowBits(static_cast<int>(end - at));
      const unsigned inner = bits(d.r <= angularCutoff) & near;
      if (inner) kept.add(d, candidates.index + at, inner);
      if (near != inner) outer.add(d, candidates.index + at, near & ~inner);
    }
    at = candidates.end[e];
    if (kept.count + outer.count > most) return -1;
    *segment++ = static_cast<std::uint16_t>(kept.count);
    kept.take(outer);
    *segment++ = static_cast<std::uint16_t>(kept.count);
  }
  for (int i = 0; i < blockWidth; i += L) {
    storeu(out.dx + kept.count + i, splat(2 * radialCutoff));
    storeu(out.dy + kept.count + i, Vec<T>{});
    storeu(out.dz + kept.count + i, Vec<T>{});
    storeu(out.r + kept.count + i, splat(2 * radialCutoff));
  }
  // Beyond the count r is out of reach.
  Vec<T> closest = splat(2 * radialCutoff);
  for (int i = 0; i < kept.count; i += L) closest = min(closest, loadu(out.r + i));
  *out.nearest = smallest<T>(closest);
  for (int k = 0; k < kept.count; k++) out.atom[k] = firstAtom + candidates.owner[out.atom[k]];
  return kept.count;
}

template <class T>
constexpr NeighbourKernels<T> neighbourKernels{within, filter<T>};

}  // namespace mlts::MLTS_ISA
