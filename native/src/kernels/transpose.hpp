// From triples in lanes to members in lanes, and sums of many vectors at once.
#pragma once

#include "../simd/simd.hpp"
#include "interface.hpp"

namespace mlts::MLTS_ISA {

// Of each quarter of four lanes, the lower or upper two of a and of b: interleaved, or b's after a's.
template <class V>
MLTS_INLINE V interleaveLow(V a, V b) {
  if constexpr (sizeof(V) / sizeof(a[0]) == 16)
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
  else if constexpr (sizeof(V) / sizeof(a[0]) == 8)
    return __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13);
  else
    return __builtin_shufflevector(a, b, 0, 4, 1, 5);
}
template <class V>
MLTS_INLINE V interleaveHigh(V a, V b) {
  if constexpr (sizeof(V) / sizeof(a[0]) == 16)
    return __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
  else if constexpr (sizeof(V) / sizeof(a[0]) == 8)
    return __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
  else
    return __builtin_shufflevector(a, b, 2, 6, 3, 7);
}
template <class V>
MLTS_INLINE V joinLow(V a, V b) {
  if constexpr (sizeof(V) / sizeof(a[0]) == 16)
    return __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
  else if constexpr (sizeof(V) / sizeof(a[0]) == 8)
    return __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
  else
    return __builtin_shufflevector(a, b, 0, 1, 4, 5);
}
template <class V>
MLTS_INLINE V joinHigh(V a, V b) {
  if constexpr (sizeof(V) / sizeof(a[0]) == 16)
    return __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
  else if constexpr (sizeof(V) / sizeof(a[0]) == 8)
    return __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
  else
    return __builtin_shufflevector(a, b, 2, 3, 6, 7);
}

// 4×4 transposes inside each quarter: v[r] holds row r; afterwards v[e] holds, in quarter L, column 4L + e.
template <class V>
MLTS_INLINE void transposeQuarters(V* v) {
  const V t0 = interleaveLow(v[0], v[1]), t1 = interleaveHigh(v[0], v[1]);
  const V t2 = interleaveLow(v[2], v[3]), t3 = interleaveHigh(v[2], v[3]);
  v[0] = joinLow(t0, t2), v[1] = joinHigh(t0, t2), v[2] = joinLow(t1, t3), v[3] = joinHigh(t1, t3);
}

// Lane e of each quarter is the sum of that quarter of v[e].
template <class V>
MLTS_INLINE V sumQuarters(const V* v) {
  const V a = interleaveLow(v[0], v[1]) + interleaveHigh(v[0], v[1]);
  const V b = interleaveLow(v[2], v[3]) + interleaveHigh(v[2], v[3]);
  return joinLow(a, b) + joinHigh(a, b);
}

// v[m] holds member m of lanes<T> items; out[item·stride + m] gets them, m < 8.
template <class T>
MLTS_INLINE void membersIntoLanes(Vec<T>* v, T* out, int stride) {
  using V = Vec<T>;
  if constexpr (lanes<T> == 2) {
    for (int m = 0; m < memberLanes; m += 2) {
      storeu(out + m, V(__builtin_shufflevector(v[m], v[m + 1], 0, 2)));
      storeu(out + stride + m, V(__builtin_shufflevector(v[m], v[m + 1], 1, 3)));
    }
  } else {
    transposeQuarters(v);
    transposeQuarters(v + 4);
#pragma GCC unroll 4
    for (int e = 0; e < 4; e++) {
      const V lo = v[e], hi = v[4 + e];
      if constexpr (lanes<T> == 4) {
        storeu(out + e * stride, lo);
        storeu(out + e * stride + 4, hi);
      } else if constexpr (lanes<T> == 8) {
        storeu(out + e * stride, V(__builtin_shufflevector(lo, hi, 0, 1, 2, 3, 8, 9, 10, 11)));
        storeu(out + (4 + e) * stride, V(__builtin_shufflevector(lo, hi, 4, 5, 6, 7, 12, 13, 14, 15)));
      } else {
        using Half = typename VectorType<T, 8>::type;
        const V a = __builtin_shufflevector(lo, hi, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
        const V b = __builtin_shufflevector(lo, hi, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
        const Half rows[4] = {__builtin_shufflevector(a, a, 0, 1, 2, 3, 4, 5, 6, 7),
                              __builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15),
                              __builtin_shufflevector(b, b, 0, 1, 2, 3, 4, 5, 6, 7),
                              __builtin_shufflevector(b, b, 8, 9, 10, 11, 12, 13, 14, 15)};
#pragma GCC unroll 4
        for (int q = 0; q < 4; q++) __builtin_memcpy(out + (4 * q + e) * stride, &rows[q], sizeof rows[q]);
      }
    }
  }
}

// Lane t of the result is the sum of all lanes of v[t], t < lanes<T>.
template <class T>
MLTS_INLINE Vec<T> sumEach(const Vec<T>* v) {
  using V = Vec<T>;
  if constexpr (lanes<T> == 2) {
    return __builtin_shufflevector(v[0], v[1], 0, 2) + __builtin_shufflevector(v[0], v[1], 1, 3);
  } else {
    V s[lanes<T> / 4];  // s[g], quarter L, lane e: partial sum of v[4g + e]
#pragma GCC unroll 4
    for (int g = 0; g < lanes<T> / 4; g++) s[g] = sumQuarters(v + 4 * g);
    if constexpr (lanes<T> == 4) {
      return s[0];
    } else if constexpr (lanes<T> == 8) {
      return __builtin_shufflevector(s[0], s[1], 0, 1, 2, 3, 8, 9, 10, 11) +
             __builtin_shufflevector(s[0], s[1], 4, 5, 6, 7, 12, 13, 14, 15);
    } else {
      const V a = __builtin_shufflevector(s[0], s[1], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
                  __builtin_shufflevector(s[0], s[1], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
      const V b = __builtin_shufflevector(s[2], s[3], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
                  __builtin_shufflevector(s[2], s[3], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
      return __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27) +
             __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
    }
  }
}

// out[t] += sum of all lanes of v[t], t < 4.
template <class T>
MLTS_INLINE void addSums(const Vec<T>* v, T* out) {
  using V = Vec<T>;
  if constexpr (lanes<T> == 2) {
    for (int t = 0; t < 4; t++) out[t] += v[t][0] + v[t][1];
  } else {
    using Quarter = typename VectorType<T, 4>::type;
    const V s = sumQuarters(v);
    Quarter q;
    if constexpr (lanes<T> == 4) {
      q = s;
    } else if constexpr (lanes<T> == 8) {
      q = __builtin_shufflevector(s, s, 0, 1, 2, 3) + __builtin_shufflevector(s, s, 4, 5, 6, 7);
    } else {
      q = (__builtin_shufflevector(s, s, 0, 1, 2, 3) + __builtin_shufflevector(s, s, 4, 5, 6, 7)) +
          (__builtin_shufflevector(s, s, 8, 9, 10, 11) + __builtin_shufflevector(s, s, 12, 13, 14, 15));
    }
    Quarter old;
    __builtin_memcpy(&old, out, sizeof old);
    q += old;
    __builtin_memcpy(out, &q, sizeof q);
  }
}

}  // namespace mlts::MLTS_ISA
