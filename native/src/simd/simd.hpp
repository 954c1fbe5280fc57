// SIMD through the compiler's vector types: one source for AVX-512, AVX2+FMA, SSE2 and NEON, float and double.
//
// Every file that includes this header is compiled once per instruction set into its own namespace
// (MLTS_ISA, set by CMake), so that no inline function of one set can be linked into another.
// Kernel files therefore use no standard-library templates that leave weak symbols: raw pointers only.
// Needs -ffp-contract=fast (a*b+c becomes one fused multiply-add) and -fno-math-errno.
#pragma once

#include <cstdint>

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

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
// NOLINTBEGIN(bugprone-macro-parentheses): the arguments are types
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
// NOLINTEND(bugprone-macro-parentheses)

// A number as a type, to choose a template by.
template <int n>
struct Constant {
  static constexpr int value = n;
};

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

// Loaded once where it is used several times: compilers otherwise read it from memory for each use, which costs as much
// as what is computed with it.
template <class V>
MLTS_INLINE V inRegister(V v) {
#if defined(__aarch64__)
  asm("" : "+w"(v));
#elif defined(__AVX512F__)
  asm("" : "+v"(v));
#elif defined(__SSE2__)
  asm("" : "+x"(v));
#endif
  return v;
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
// float: relative error 1e-7 for -100 ≤ x ≤ 127, 2^-100 below. double: 1e-15 for -1000 ≤ x ≤ 1023.
MLTS_INLINE Vec<float> exp2(Vec<float> x) {
  using V = Vec<float>;
  using I = IntVec<float>;
  x = max(x, splat(-100.0f));
  constexpr float magic = 12582912.0f;  // 1.5 · 2²³: adding it rounds to an integer, left in the lowest bits
  const V shifted = x + magic;
  const V f = x - (shifted - magic);
  V p = splat(1.535336188e-4f);
  p = p * f + 1.339887440e-3f;
  p = p * f + 9.618437357e-3f;
  p = p * f + 5.550332471e-2f;
  p = p * f + 2.402264791e-1f;
  p = p * f + 6.931472028e-1f;
  p = p * f + 1.0f;
  return reinterpret_cast<V>(reinterpret_cast<I>(p) + (reinterpret_cast<I>(shifted) << 23));
}
MLTS_INLINE Vec<double> exp2(Vec<double> x) {
  using V = Vec<double>;
  using I = IntVec<double>;
  x = max(x, splat(-1000.0));
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
  return reinterpret_cast<V>(reinterpret_cast<I>(p) + (reinterpret_cast<I>(shifted) << 52));
}

// e^x. For double the argument is x·log2 e in one rounding: good to |x|·1e-16 relative.
template <class T>
MLTS_INLINE Vec<T> exp(Vec<T> x) {
  return exp2(x * static_cast<T>(1.44269504088896340736));
}

// ln x for x ≥ 1e-300, relative error 2e-16 of |ln x| or 1e-16 absolute.
// x = 2^e·m, m in [√½, √2); ln m = 2 artanh(f), f = (m − 1)/(m + 1), |f| ≤ 0.172: remainder of the series below 1e-17.
MLTS_INLINE Vec<double> log(Vec<double> x) {
  using V = Vec<double>;
  using I = IntVec<double>;
  x = max(x, splat(1e-300));
  const I bits = reinterpret_cast<I>(x);
  constexpr std::int64_t sqrtHalf = 0x3fe6a09e667f3bcdLL;
  const I exponent = (bits - sqrtHalf) >> 52;  // x ≥ 1e-300, so the sign bit is clear and the shift floors
  const V m = reinterpret_cast<V>(bits - (exponent << 52));
  const V f = (m - 1.0) / (m + 1.0);
  const V g = f * f;
  V p = splat(1.0 / 21.0);
  p = p * g + 1.0 / 19.0;
  p = p * g + 1.0 / 17.0;
  p = p * g + 1.0 / 15.0;
  p = p * g + 1.0 / 13.0;
  p = p * g + 1.0 / 11.0;
  p = p * g + 1.0 / 9.0;
  p = p * g + 1.0 / 7.0;
  p = p * g + 1.0 / 5.0;
  p = p * g + 1.0 / 3.0;
  // e·ln 2 in two parts, the first exact for any exponent.
  const V e = __builtin_convertvector(exponent, V);
  return e * 0.693147180369123816490 + (e * 1.90821492927058770002e-10 + (2.0 * f + 2.0 * f * g * p));
}

// float: for x ≥ 1e-38, 1e-7 of |ln x|.
MLTS_INLINE Vec<float> log(Vec<float> x) {
  using V = Vec<float>;
  using I = IntVec<float>;
  x = max(x, splat(1.2e-38f));
  const I bits = reinterpret_cast<I>(x);
  const I exponent = (bits - 0x3f3504f3) >> 23;
  const V m = reinterpret_cast<V>(bits - (exponent << 23));
  const V f = (m - 1.0f) / (m + 1.0f);
  const V g = f * f;
  V p = splat(2.0f / 9.0f);
  p = p * g + 2.0f / 7.0f;
  p = p * g + 2.0f / 5.0f;
  p = p * g + 2.0f / 3.0f;
  return __builtin_convertvector(exponent, V) * 0.693147181f + (2.0f * f + f * g * p);
}

MLTS_INLINE Vec<float> sqrt(Vec<float> v) {
#if defined(__AVX512F__)
  return _mm512_sqrt_ps(v);
#elif defined(__AVX2__)
  return _mm256_sqrt_ps(v);
#elif defined(__SSE2__)
  return _mm_sqrt_ps(v);
#else
  for (int i = 0; i < lanes<float>; i++) v[i] = __builtin_sqrtf(v[i]);
  return v;
#endif
}
MLTS_INLINE Vec<double> sqrt(Vec<double> v) {
#if defined(__AVX512F__)
  return _mm512_sqrt_pd(v);
#elif defined(__AVX2__)
  return _mm256_sqrt_pd(v);
#elif defined(__SSE2__)
  return _mm_sqrt_pd(v);
#else
  for (int i = 0; i < lanes<double>; i++) v[i] = __builtin_sqrt(v[i]);
  return v;
#endif
}

// 0, 1, 2, …
template <class T>
MLTS_INLINE IntVec<T> iota() {
  IntVec<T> v;
  for (int i = 0; i < lanes<T>; i++) v[i] = i;
  return v;
}

// One instruction picks lane index[i] of an 8- or 16-entry table held in a register.
#if defined(__AVX2__)
constexpr bool hasLookup = true;
MLTS_INLINE Vec<float> lookup(Vec<float> table, IntVec<float> index) {
#if defined(__AVX512F__)
  return _mm512_permutexvar_ps(reinterpret_cast<__m512i>(index), table);
#else
  return _mm256_permutevar8x32_ps(table, reinterpret_cast<__m256i>(index));
#endif
}
#else
constexpr bool hasLookup = false;
#endif

// One bit a lane of a comparison's result.
template <class M>
MLTS_INLINE unsigned bits(M mask) {
  constexpr int n = sizeof(M) / sizeof(mask[0]);
#if defined(__AVX512F__)
  if constexpr (n == 16) return _mm512_movepi32_mask(reinterpret_cast<__m512i>(mask));
  if constexpr (n == 8) return _mm512_movepi64_mask(reinterpret_cast<__m512i>(mask));
#elif defined(__AVX2__)
  if constexpr (n == 8) return _mm256_movemask_ps(reinterpret_cast<__m256>(mask));
  if constexpr (n == 4) return _mm256_movemask_pd(reinterpret_cast<__m256d>(mask));
#elif defined(__SSE2__)
  if constexpr (n == 4) return _mm_movemask_ps(reinterpret_cast<__m128>(mask));
  if constexpr (n == 2) return _mm_movemask_pd(reinterpret_cast<__m128d>(mask));
#else
  unsigned b = 0;
  for (int i = 0; i < n; i++) b |= (mask[i] != 0) << i;
  return b;
#endif
}

// The lowest n bits, n ≥ 0; all 32 for n ≥ 32.
MLTS_INLINE unsigned lowBits(int n) { return n < 32 ? (1u << n) - 1 : ~0u; }

// Writes the lanes whose bit is set side by side; may write a whole vector.
template <class T>
MLTS_INLINE void compress(T* out, Vec<T> v, unsigned mask) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    _mm512_storeu_ps(out, _mm512_maskz_compress_ps(static_cast<__mmask16>(mask), v));
  } else {
    _mm512_storeu_pd(out, _mm512_maskz_compress_pd(static_cast<__mmask8>(mask), v));
  }
#else
  for (int i = 0; i < lanes<T>; i++) {
    *out = v[i];
    out += mask >> i & 1;
  }
#endif
}
MLTS_INLINE void compress(std::int32_t* out, IntVec<float> v, unsigned mask) {
#if defined(__AVX512F__)
  _mm512_storeu_si512(out, _mm512_maskz_compress_epi32(static_cast<__mmask16>(mask), reinterpret_cast<__m512i>(v)));
#else
  for (int i = 0; i < lanes<float>; i++) {
    *out = v[i];
    out += mask >> i & 1;
  }
#endif
}
template <int n>
MLTS_INLINE void compress(std::int32_t* out, const std::int32_t* from, unsigned mask) {
#if defined(__AVX512F__)
  if constexpr (n == 16) {
    _mm512_storeu_si512(out, _mm512_maskz_compress_epi32(static_cast<__mmask16>(mask), _mm512_loadu_si512(from)));
    return;
  } else if constexpr (n == 8) {
    const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm256_maskz_compress_epi32(static_cast<__mmask8>(mask), v));
    return;
  }
#endif
  for (int i = 0; i < n; i++) {
    *out = from[i];
    out += mask >> i & 1;
  }
}

// Vector registers of the machine.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int registers = 32;
#else
constexpr int registers = 16;
#endif

// A vector of float as two of double, and back.
MLTS_INLINE void widen(Vec<float> v, Vec<double>* out) {
#if defined(__AVX512F__)
  out[0] = __builtin_convertvector(__builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7), Vec<double>);
  out[1] = __builtin_convertvector(__builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15), Vec<double>);
#elif defined(__AVX2__)
  out[0] = __builtin_convertvector(__builtin_shufflevector(v, v, 0, 1, 2, 3), Vec<double>);
  out[1] = __builtin_convertvector(__builtin_shufflevector(v, v, 4, 5, 6, 7), Vec<double>);
#else
  out[0] = Vec<double>{v[0], v[1]};
  out[1] = Vec<double>{v[2], v[3]};
#endif
}
MLTS_INLINE Vec<float> narrow(const Vec<double>* v) {
#if defined(__AVX512F__)
  typedef float Half __attribute__((vector_size(32)));
  const Half a = __builtin_convertvector(v[0], Half), b = __builtin_convertvector(v[1], Half);
  return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#elif defined(__AVX2__)
  typedef float Half __attribute__((vector_size(16)));
  const Half a = __builtin_convertvector(v[0], Half), b = __builtin_convertvector(v[1], Half);
  return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
#else
  return Vec<float>{static_cast<float>(v[0][0]), static_cast<float>(v[0][1]), static_cast<float>(v[1][0]),
                    static_cast<float>(v[1][1])};
#endif
}

// Folds all lanes with op, halving the vector each time.
template <class T, class Op>
MLTS_INLINE T fold(Vec<T> v, Op op) {
  constexpr int n = lanes<T>;
  const auto pair = [&](auto w) {  // two or four lanes left
    if constexpr (sizeof w == 2 * sizeof(T)) {
      return op(w[0], w[1]);
    } else {
      return op(op(w[0], w[2]), op(w[1], w[3]));
    }
  };
  if constexpr (n == 16) {
    const auto half = op(__builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7),
                         __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15));
    return pair(op(__builtin_shufflevector(half, half, 0, 1, 2, 3), __builtin_shufflevector(half, half, 4, 5, 6, 7)));
  } else if constexpr (n == 8) {
    return pair(op(__builtin_shufflevector(v, v, 0, 1, 2, 3), __builtin_shufflevector(v, v, 4, 5, 6, 7)));
  } else {
    return pair(v);
  }
}
template <class T>
MLTS_INLINE T sum(Vec<T> v) {
  return fold<T>(v, [](auto a, auto b) { return a + b; });
}
template <class T>
MLTS_INLINE T largest(Vec<T> v) {
  return fold<T>(v, [](auto a, auto b) { return a > b ? a : b; });
}
template <class T>
MLTS_INLINE T smallest(Vec<T> v) {
  return fold<T>(v, [](auto a, auto b) { return a < b ? a : b; });
}

}  // namespace mlts::MLTS_ISA
