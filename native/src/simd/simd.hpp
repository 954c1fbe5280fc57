// SIMD through the compiler's vector types: one source for AVX-512, AVX2+FMA, SSE2 and NEON, float and double.
//
// Every file that includes this header is compiled once per instruction set into its own namespace
// (MLTS_ISA, set by CMake), so that no inline function of one set can be linked into another.
// Kernel files therefore use no standard-library templates that leave weak symbols: raw pointers only.
// Needs -ffp-contract=fast (a*b+c becomes one fused multiply-add) and -fno-math-errno.
#pragma once

#include <cstdint>

#ifndef MLTS_ISA
#error "MLTS_ISA names the namespace of this instruction set; CMake sets it"
#endif

#define MLTS_INLINE inline __attribute__((always_inline))

namespace mlts::MLTS_ISA {

#if defined(__AVX512F__)
constexpr int vectorBytes = 64;
#elif defined(__AVX2__)
constexpr int vectorBytes = 32;
#else
constexpr int vectorBytes = 16;
#endif

template <class T, int N>
struct VectorType;
#define MLTS_VECTOR(T, I, N)                                        \
  template <>                                                       \
  struct VectorType<T, N> {                                         \
    typedef T type __attribute__((vector_size(N * sizeof(T))));     \
    typedef I integers __attribute__((vector_size(N * sizeof(T)))); \
  };
MLTS_VECTOR(float, std::int32_t, 4)
MLTS_VECTOR(float, std::int32_t, 8)
MLTS_VECTOR(float, std::int32_t, 16)
MLTS_VECTOR(double, std::int64_t, 2)
MLTS_VECTOR(double, std::int64_t, 4)
MLTS_VECTOR(double, std::int64_t, 8)
#undef MLTS_VECTOR

// Lanes of one register.
template <class T>
constexpr int lanes = vectorBytes / static_cast<int>(sizeof(T));
template <class T>
using Vec = typename VectorType<T, lanes<T>>::type;
template <class T>
using IntVec = typename VectorType<T, lanes<T>>::integers;

template <class T>
MLTS_INLINE Vec<T> splat(T x) {
  return Vec<T>{} + x;
}
template <class T>
MLTS_INLINE Vec<T> load(const T* p) {  // aligned to the register
  return *reinterpret_cast<const Vec<T>*>(p);
}
template <class T>
MLTS_INLINE void store(T* p, Vec<T> v) {
  *reinterpret_cast<Vec<T>*>(p) = v;
}
template <class T>
MLTS_INLINE Vec<T> loadu(const T* p) {
  Vec<T> v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
template <class T>
MLTS_INLINE void storeu(T* p, Vec<T> v) {
  __builtin_memcpy(p, &v, sizeof v);
}

template <class V>
MLTS_INLINE V max(V a, V b) {
  return a > b ? a : b;
}
template <class V>
MLTS_INLINE V min(V a, V b) {
  return a < b ? a : b;
}

// 2^x by a polynomial on [-½, ½] and exponent bits.
// float: relative error 2e-7 for -126 ≤ x ≤ 127, 0 below. double: 1e-15 for -1022 ≤ x ≤ 1023.
MLTS_INLINE Vec<float> exp2(Vec<float> x) {
  using V = Vec<float>;
  using I = IntVec<float>;
  x = max(x, splat(-126.5f));
  constexpr float magic = 12582912.0f;  // 1.5 · 2²³: adding it rounds to the nearest integer
  const V shifted = x + magic;
  const V f = x - (shifted - magic);
  V p = splat(1.535336188e-4f);
  p = p * f + 1.339887440e-3f;
  p = p * f + 9.618437357e-3f;
  p = p * f + 5.550332471e-2f;
  p = p * f + 2.402264791e-1f;
  p = p * f + 6.931472028e-1f;
  p = p * f + 1.0f;
  const I exponent = (reinterpret_cast<I>(shifted) - 0x4b400000 + 127) << 23;
  return p * reinterpret_cast<V>(exponent > 0 ? exponent : I{});
}
MLTS_INLINE Vec<double> exp2(Vec<double> x) {
  using V = Vec<double>;
  using I = IntVec<double>;
  x = max(x, splat(-1022.5));
  constexpr double magic = 6755399441055744.0;  // 1.5 · 2⁵²
  const V shifted = x + magic;
  const V f = (x - (shifted - magic)) * 0.693147180559945309417;
  // Taylor series of e^f to f¹³, |f| ≤ 0.347: remainder below 5e-18.
  V p = splat(1.0 / 6227020800.0);
  p = p * f + 1.0 / 479001600.0;
  p = p * f + 1.0 / 39916800.0;
  p = p * f + 1.0 / 3628800.0;
  p = p * f + 1.0 / 362880.0;
  p = p * f + 1.0 / 40320.0;
  p = p * f + 1.0 / 5040.0;
  p = p * f + 1.0 / 720.0;
  p = p * f + 1.0 / 120.0;
  p = p * f + 1.0 / 24.0;
  p = p * f + 1.0 / 6.0;
  p = p * f + 0.5;
  p = p * f + 1.0;
  p = p * f + 1.0;
  const I exponent = (reinterpret_cast<I>(shifted) - 0x4338000000000000LL + 1023) << 52;
  return p * reinterpret_cast<V>(exponent > 0 ? exponent : I{});
}

// e^x. For double the argument is x·log2 e in one rounding: good to |x|·1e-16 relative.
template <class T>
MLTS_INLINE Vec<T> exp(Vec<T> x) {
  return exp2(x * static_cast<T>(1.44269504088896340736));
}

// Sum of all lanes.
template <class T>
MLTS_INLINE T sum(Vec<T> v) {
  T s = 0;
  for (int i = 0; i < lanes<T>; i++) s += v[i];
  return s;
}

}  // namespace mlts::MLTS_ISA
