// Environments e_{c,ν,b} = Σ_j s_ν(r_ij) A_c(r̂_ij) z_{j,b} of one atom.
#pragma once

#include "hipnn_pairs.hpp"

namespace mlts::MLTS_ISA {

// Columns of vectors worked on at once, and for so many of them the sensitivities whose sums fit the registers.
constexpr int mostColumns = registers == 32 ? 5 : 3;
constexpr int mostWidth(int columns) {
  if (registers == 32) return columns <= 2 ? 10 : columns == 3 ? 8 : columns == 4 ? 6 : 5;
  return columns == 1 ? 6 : columns == 2 ? 4 : 3;
}

// Where feature vector v of a tile-major row lies, relative to feature 0.
template <class T>
MLTS_INLINE std::ptrdiff_t columnOffset(int v, int rows) {
  const int feature = v * lanes<T>;
  return static_cast<std::ptrdiff_t>(feature / blockWidth) * rows * blockWidth + feature % blockWidth;
}

// e[w] += Σ_p s[w][p] z[row p] for W sensitivities and N vectors of features from vector v0 on. Strides of s: one
// between pairs, `stride` between sensitivities.
template <class T, int W, int N>
__attribute__((noinline)) void environmentTile(const std::int32_t* row, int n, const T* s, int stride, const T* z,
                                               int width, T* e, std::ptrdiff_t next, int rows, int v0) {
  constexpr int L = lanes<T>;
  Vec<T> sum[W][N];
  std::ptrdiff_t at[N];
#pragma GCC unroll 8
  for (int v = 0; v < N; v++) at[v] = columnOffset<T>(v0 + v, rows);
#pragma GCC unroll 16
  for (int w = 0; w < W; w++)
#pragma GCC unroll 8
    for (int v = 0; v < N; v++) sum[w][v] = load(e + w * next + at[v]);
  z += v0 * L;
  for (int p = 0; p < n; p++) {
    const T* zj = z + static_cast<std::size_t>(row[p]) * width;
    Vec<T> column[N];
#pragma GCC unroll 8
    for (int v = 0; v < N; v++) column[v] = load(zj + v * L);
#pragma GCC unroll 16
    for (int w = 0; w < W; w++) {
      const Vec<T> x = splat(s[w * stride + p]);
#pragma GCC unroll 8
      for (int v = 0; v < N; v++) sum[w][v] += x * column[v];
    }
  }
#pragma GCC unroll 16
  for (int w = 0; w < W; w++)
#pragma GCC unroll 8
    for (int v = 0; v < N; v++) store(e + w * next + at[v], sum[w][v]);
}

template <class T>
using EnvironmentTile = void (*)(const std::int32_t*, int, const T*, int, const T*, int, T*, std::ptrdiff_t, int, int);

template <class T, int N>
EnvironmentTile<T> environmentTileOf(int w) {
  static constexpr EnvironmentTile<T> table[] = {
      environmentTile<T, 1, N>,
      environmentTile<T, 2, N>,
      environmentTile<T, 3, N>,
#if defined(__AVX512F__) || defined(__aarch64__)
      environmentTile<T, 4, N>,
      environmentTile<T, 5, N>,
      environmentTile < T,
      N <= 4 ? 6 : 1,
      N >,
      environmentTile < T,
      N <= 3 ? 7 : 1,
      N >,
      environmentTile < T,
      N <= 3 ? 8 : 1,
      N >
      , environmentTile < T, N <= 2 ? 9 : 1, N >, environmentTile < T, N <= 2 ? 10 : 1, N >,
#else
      environmentTile < T,      N <= 2 ? 4 : 1,           N >,
      environmentTile < T,      N <= 1 ? 5 : 1,           N >,
      environmentTile < T,      N <= 1 ? 6 : 1,           N >,
#endif
  };
  return table[w - 1];
}
template <class T>
EnvironmentTile<T> environmentTileOf(int columns, int w) {
  if (columns == 1) return environmentTileOf<T, 1>(w);
  if (columns == 2) return environmentTileOf<T, 2>(w);
#if defined(__AVX512F__) || defined(__aarch64__)
  if (columns == 4) return environmentTileOf<T, 4>(w);
  if (columns == 5) return environmentTileOf<T, 5>(w);
#endif
  return environmentTileOf<T, 3>(w);
}

// A run of pairs with one window of `count` sensitivities, all features; parts are evenly filled.
template <class T>
MLTS_INLINE void addRun(const std::int32_t* row, int n, const T* s, int stride, int count, const T* z, int width, T* e,
                        std::ptrdiff_t next, int rows) {
  const int vectors = width / lanes<T>, parts = (vectors + mostColumns - 1) / mostColumns;
  for (int part = 0, v0 = 0; part < parts; part++) {
    const int columns = (vectors - v0 + parts - part - 1) / (parts - part), most = mostWidth(columns);
    const int pieces = (count + most - 1) / most;
    for (int piece = 0, w0 = 0; piece < pieces; piece++) {
      const int w = (count - w0 + pieces - piece - 1) / (pieces - piece);
      environmentTileOf<T>(columns, w)(row, n, s + static_cast<std::ptrdiff_t>(w0) * stride, stride, z, width,
                                       e + w0 * next, next, rows, v0);
      w0 += w;
    }
    v0 += columns;
  }
}

template <class T>
void environment(const Sensitivity<T>& f, const Pairs<T>& pairs, int components, const T* s, const T* z, int width,
                 const TileRow<T>& out, T* scratch) {
  constexpr int L = lanes<T>;
  const std::ptrdiff_t next = static_cast<std::ptrdiff_t>(width) * out.rows;  // between sensitivities
  for (int q = 0; q < pairs.bins; q++) {
    const int begin = pairs.begin(q), n = pairs.binEnd(q) - begin, count = f.width[q], rounded = toVectors<T>(n);
    if (n == 0) continue;
    for (int c = 0; c < components; c++) {
      const T* factors = s;
      if (c > 0) {
        for (int p = 0; p < n; p += L) {
          const Vec<T> a = Directions<T>(pairs, begin + p).component(c);
          for (int w = 0; w < count; w++) store(scratch + w * rounded + p, load(s + w * rounded + p) * a);
        }
        factors = scratch;
      }
      addRun(pairs.row + begin, n, factors, rounded, count, z, width,
             out.e + c * out.componentStride + f.first[q] * next, next, out.rows);
    }
    s += static_cast<std::size_t>(count) * rounded;
  }
  const int padded = toVectors<T>(f.nearWidth);
  for (int p = pairs.begin(pairs.bins); p < pairs.count; p++, s += padded) {
    T* const e = out.e + nearWindow(f, 1 / pairs.r[p]) * next;
    const Directions<T> direction(pairs, p);
    for (int c = 0; c < components; c++) {
      const T* factors = s;
      if (c > 0) {
        const T a = direction.component(c)[0];
        for (int w = 0; w < padded; w += L) store(scratch + w, load(s + w) * a);
        factors = scratch;
      }
      addRun(pairs.row + p, 1, factors, 1, f.nearWidth, z, width, e + c * out.componentStride, next, out.rows);
    }
  }
}

// Lanes a ≤ lane < b are 1, the others 0.
template <class T>
MLTS_INLINE Vec<T> between(int a, int b) {
  const IntVec<T> lane = iota<T>();
  return ((lane >= a) & (lane < b)) ? splat(T(1)) : Vec<T>{};
}

// Length of one element's row in the table of the first layer: windows of near pairs may reach a vector past the end.
constexpr int firstTableRow(int count) { return (count + 2 * blockWidth - 1) / blockWidth * blockWidth + blockWidth; }

// The inputs are elements: sums of s·A_c over the neighbours of each element.
template <class T>
void environmentFirst(const Sensitivity<T>& f, const Pairs<T>& pairs, int components, const T* s, const int* elements,
                      int elementCount, const TileRow<T>& out, T* scratch) {
  constexpr int L = lanes<T>;
  const int length = firstTableRow(f.count);
  const std::ptrdiff_t componentLength = static_cast<std::ptrdiff_t>(pairs.elements) * length;
  __builtin_memset(scratch, 0, components * componentLength * sizeof(T));
  for (int q = 0; q < pairs.bins; q++) {
    const int begin = pairs.begin(q), n = pairs.binEnd(q) - begin, count = f.width[q], rounded = toVectors<T>(n);
    for (int e = 0, from = 0; e < pairs.elements; e++) {
      const int to = pairs.end[q * pairs.elements + e] - begin;
      if (to == from) continue;
      for (int c = 0; c < components; c++) {
        T* table = scratch + c * componentLength + e * length + f.first[q];
        for (int w0 = 0; w0 < count; w0 += 4) {
          Vec<T> sum[4] = {};
          for (int p = from / L * L; p < to; p += L) {
            Vec<T> a = between<T>(from - p, to - p);
            if (c > 0) a *= Directions<T>(pairs, begin + p).component(c);
            for (int w = 0; w < 4; w++)
              if (w0 + w < count) sum[w] += a * load(s + (w0 + w) * rounded + p);
          }
          addSums<T>(sum, table + w0);
        }
      }
      from = to;
    }
    s += static_cast<std::size_t>(count) * rounded;
  }
  const int padded = toVectors<T>(f.nearWidth), nearBegin = pairs.begin(pairs.bins);
  for (int e = 0, p = nearBegin; e < pairs.elements; e++) {
    for (; p < pairs.end[pairs.bins * pairs.elements + e]; p++, s += padded) {
      const Directions<T> direction(pairs, p);
      T* table = scratch + e * length + nearWindow(f, 1 / pairs.r[p]);
      for (int c = 0; c < components; c++, table += componentLength) {
        const T a = direction.component(c)[0];
        for (int w = 0; w < padded; w += L) storeu(table + w, loadu(table + w) + a * load(s + w));
      }
    }
  }
  const int blocks = (f.count + blockWidth - 1) / blockWidth;
  for (int c = 0; c < components; c++)
    for (int k = 0; k < elementCount; k++)
      for (int b = 0; b < blocks; b++)
        __builtin_memcpy(
            out.e + c * out.componentStride + (k * blocks + b) * static_cast<std::size_t>(out.rows) * blockWidth,
            scratch + c * componentLength + elements[k] * length + b * blockWidth, blockWidth * sizeof(T));
}

}  // namespace mlts::MLTS_ISA
