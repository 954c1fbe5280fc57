// From ∂E/∂e back to the neighbours' features, to the pair vectors, and to forces.
#pragma once

#include "hipnn_environment.hpp"

namespace mlts::MLTS_ISA {

// Adds to the gradient of a vector of pairs: d[0] = ∂E/∂r, d[c] = ∂E/∂A_c. With ℓ = 0 only ∂E/∂r is kept, else
// ∂E/∂D = ∂E/∂r r̂ + (1 − r̂r̂ᵀ)(∂E/∂r̂)/r. Lanes past the run must hold zeros.
template <class T>
MLTS_INLINE void addPairGradient(const Pairs<T>& pairs, int p, int components, const Vec<T>* d, T* gradient) {
  if (components == 1) {
    storeu(gradient + p, loadu(gradient + p) + d[0]);
    return;
  }
  const Vec<T> x = loadu(pairs.ux + p), y = loadu(pairs.uy + p), z = loadu(pairs.uz + p);
  Vec<T> gx = d[1], gy = d[2], gz = d[3];
  if (components == maxComponents) {
    gx += T(2) * x * d[4] + y * d[5] + z * d[6];
    gy += x * d[5] + T(2) * y * d[7] + z * d[8];
    gz += x * d[6] + y * d[8];
  }
  const Vec<T> inverse = T(1) / loadu(pairs.r + p);
  const Vec<T> along = d[0] - (gx * x + gy * y + gz * z) * inverse;
  T* const to = gradient + p;
  storeu(to, loadu(to) + along * x + gx * inverse);
  storeu(to + pairs.stride, loadu(to + pairs.stride) + along * y + gy * inverse);
  storeu(to + 2 * pairs.stride, loadu(to + 2 * pairs.stride) + along * z + gz * inverse);
}

// ℓ = 0, N vectors of features from v0 on, P pairs at once: gz_j += Σ_w g_w s_w, dot = Σ_w (g_w·z_j) s′_w.
template <class T, int N, int P>
MLTS_INLINE void scalarPairs(const std::int32_t* row, const T* s, const T* ds, int stride, int count, const T* z,
                             int width, const T* g, std::ptrdiff_t next, const std::ptrdiff_t* at, T* gz, Vec<T>* dot,
                             bool add) {
  constexpr int L = lanes<T>;
  Vec<T> q[P][N], t[P][N];
#pragma GCC unroll 4
  for (int k = 0; k < P; k++)
#pragma GCC unroll 8
    for (int v = 0; v < N; v++) q[k][v] = t[k][v] = Vec<T>{};
  for (int w = 0; w < count; w++) {
    Vec<T> x[P], dx[P];
#pragma GCC unroll 4
    for (int k = 0; k < P; k++) x[k] = splat(s[w * stride + k]), dx[k] = splat(ds[w * stride + k]);
#pragma GCC unroll 8
    for (int v = 0; v < N; v++) {
      const Vec<T> value = load(g + w * next + at[v]);
#pragma GCC unroll 4
      for (int k = 0; k < P; k++) {
        q[k][v] += x[k] * value;
        t[k][v] += dx[k] * value;
      }
    }
  }
#pragma GCC unroll 4
  for (int k = 0; k < P; k++) {
    const std::size_t offset = static_cast<std::size_t>(row[k]) * width;
    Vec<T> sum = add ? dot[k] : Vec<T>{};
#pragma GCC unroll 8
    for (int v = 0; v < N; v++) {
      store(gz + offset + v * L, load(gz + offset + v * L) + q[k][v]);
      sum += t[k][v] * load(z + offset + v * L);
    }
    dot[k] = sum;
  }
}

// Any ℓ, one pair: with t_c = Σ_w g_{c,w} s_w and p_c = Σ_w g_{c,w} s′_w, gz_j += Σ_c A_c t_c, dot[0] = Σ_c A_c
// p_c·z_j, dot[c] = t_c·z_j. Dots of one component are `apart` from those of the next.
template <class T, int N>
MLTS_INLINE void tensorPair(std::int32_t row, const T* s, const T* ds, int stride, int count, const T* a,
                            int components, const T* z, int width, const T* g, std::size_t componentStride,
                            std::ptrdiff_t next, const std::ptrdiff_t* at, T* gz, Vec<T>* dot, int apart, bool add) {
  constexpr int L = lanes<T>;
  const std::size_t offset = static_cast<std::size_t>(row) * width;
  Vec<T> q[N], p[N];
#pragma GCC unroll 8
  for (int v = 0; v < N; v++) q[v] = p[v] = Vec<T>{};
  for (int c = 0; c < components; c++, g += componentStride) {
    Vec<T> t[N], u[N];
#pragma GCC unroll 8
    for (int v = 0; v < N; v++) t[v] = u[v] = Vec<T>{};
    for (int w = 0; w < count; w++) {
      const Vec<T> x = splat(s[w * stride]), dx = splat(ds[w * stride]);
#pragma GCC unroll 8
      for (int v = 0; v < N; v++) {
        const Vec<T> value = load(g + w * next + at[v]);
        t[v] += x * value;
        u[v] += dx * value;
      }
    }
    const Vec<T> ac = splat(a[c]);
    Vec<T> sum{};
#pragma GCC unroll 8
    for (int v = 0; v < N; v++) {
      q[v] += ac * t[v];
      p[v] += ac * u[v];
      sum += t[v] * load(z + offset + v * L);
    }
    if (c > 0) dot[c * apart] = add ? dot[c * apart] + sum : sum;
  }
  Vec<T> sum = add ? dot[0] : Vec<T>{};
#pragma GCC unroll 8
  for (int v = 0; v < N; v++) {
    store(gz + offset + v * L, load(gz + offset + v * L) + q[v]);
    sum += p[v] * load(z + offset + v * L);
  }
  dot[0] = sum;
}

// A run of pairs with one window, N vectors of features from v0 on.
template <class T, int N>
__attribute__((noinline)) void gradientColumns(const std::int32_t* row, int n, const T* s, const T* ds, int stride,
                                               int count, const T* a, int components, const T* z, int width,
                                               const TileRow<T>& tile, const T* g, int v0, T* gz, Vec<T>* dots,
                                               int apart) {
  const std::ptrdiff_t next = static_cast<std::ptrdiff_t>(width) * tile.rows;
  std::ptrdiff_t at[N];
#pragma GCC unroll 8
  for (int v = 0; v < N; v++) at[v] = columnOffset<T>(v0 + v, tile.rows);
  z += v0 * lanes<T>;
  gz += v0 * lanes<T>;
  const bool add = v0 > 0;
  if (components > 1) {
    for (int p = 0; p < n; p++)
      tensorPair<T, N>(row[p], s + p, ds + p, stride, count, a + p * maxComponents, components, z, width, g,
                       tile.componentStride, next, at, gz, dots + p, apart, add);
    return;
  }
  constexpr int together = registers == 32 || N == 1 ? 2 : 1;
  int p = 0;
  for (; p + together <= n; p += together)
    scalarPairs<T, N, together>(row + p, s + p, ds + p, stride, count, z, width, g, next, at, gz, dots + p, add);
  if (p < n) scalarPairs<T, N, 1>(row + p, s + p, ds + p, stride, count, z, width, g, next, at, gz, dots + p, add);
}

template <class T>
using GradientColumns = void (*)(const std::int32_t*, int, const T*, const T*, int, int, const T*, int, const T*, int,
                                 const TileRow<T>&, const T*, int, T*, Vec<T>*, int);
template <class T>
GradientColumns<T> gradientColumnsOf(int columns) {
  static constexpr GradientColumns<T> table[] = {
      gradientColumns<T, 1>, gradientColumns<T, 2>, gradientColumns<T, 3>,
#if defined(__AVX512F__) || defined(__aarch64__)
      gradientColumns<T, 4>, gradientColumns<T, 5>,
#endif
  };
  return table[columns - 1];
}

// Scratch of `gradient`: dots of up to so many pairs at once, their directions, and sums.
constexpr int pairsAtOnce = 64;

template <class T>
void gradient(const Sensitivity<T>& f, const Pairs<T>& pairs, int components, const T* s, const T* ds, const T* z,
              int width, const TileRow<T>& e, T* gz, T* out, T* scratch) {
  constexpr int L = lanes<T>;
  const std::ptrdiff_t next = static_cast<std::ptrdiff_t>(width) * e.rows;
  const int vectors = width / L, parts = (vectors + mostColumns - 1) / mostColumns;
  Vec<T>* const dots = reinterpret_cast<Vec<T>*>(scratch);  // [components][pairsAtOnce]
  T* const a = scratch + maxComponents * pairsAtOnce * L;   // [pairsAtOnce][maxComponents]
  // Pairs first … first + n − 1 of all, of which s and ds hold the first at [0].
  const auto run = [&](int first, int n, const T* sp, const T* dsp, int stride, int window, int count) {
    const int rounded = toVectors<T>(n);
    if (components > 1) {
      for (int p = 0; p < n; p += L) {
        const Directions<T> direction(pairs, first + p);
        for (int c = 0; c < components; c++) {
          const Vec<T> v = direction.component(c);
          for (int k = 0; k < L && p + k < n; k++) a[(p + k) * maxComponents + c] = v[k];
        }
      }
    }
    for (int part = 0, v0 = 0; part < parts; part++) {
      const int columns = (vectors - v0 + parts - part - 1) / (parts - part);
      gradientColumnsOf<T>(columns)(pairs.row + first, n, sp, dsp, stride, count, a, components, z, width, e,
                                    e.e + window * next, v0, gz, dots, pairsAtOnce);
      v0 += columns;
    }
    for (int c = 0; c < components; c++)
      for (int p = n; p < rounded; p++) dots[c * pairsAtOnce + p] = Vec<T>{};
  };
  const auto finish = [&](int first, int n) {
    for (int p = 0; p < n; p += L) {
      Vec<T> d[maxComponents];
      for (int c = 0; c < components; c++) d[c] = sumEach<T>(dots + c * pairsAtOnce + p);
      addPairGradient(pairs, first + p, components, d, out);
    }
  };
  for (int q = 0; q < pairs.bins; q++) {
    const int begin = pairs.begin(q), n = pairs.binEnd(q) - begin, rounded = toVectors<T>(n);
    for (int p = 0; p < n; p += pairsAtOnce) {
      const int some = n - p < pairsAtOnce ? n - p : pairsAtOnce;
      run(begin + p, some, s + p, ds + p, rounded, f.first[q], f.width[q]);
      finish(begin + p, some);
    }
    s += static_cast<std::size_t>(f.width[q]) * rounded;
    ds += static_cast<std::size_t>(f.width[q]) * rounded;
  }
  // Near pairs one by one; their dots are gathered, so that sums are taken of a vector of pairs at once.
  const int padded = toVectors<T>(f.nearWidth);
  for (int first = pairs.begin(pairs.bins); first < pairs.count; first += L) {
    const int n = pairs.count - first < L ? pairs.count - first : L;
    Vec<T> gathered[maxComponents][L];
    for (int c = 0; c < components; c++)
      for (int k = n; k < L; k++) gathered[c][k] = Vec<T>{};
    for (int k = 0; k < n; k++, s += padded, ds += padded) {
      run(first + k, 1, s, ds, 1, nearWindow(f, 1 / pairs.r[first + k]), f.nearWidth);
      for (int c = 0; c < components; c++) gathered[c][k] = dots[c * pairsAtOnce];
    }
    Vec<T> d[maxComponents];
    for (int c = 0; c < components; c++) d[c] = sumEach<T>(gathered[c]);
    addPairGradient(pairs, first, components, d, out);
  }
}

// The inputs are elements: only the pair vectors get a gradient.
template <class T>
void gradientFirst(const Sensitivity<T>& f, const Pairs<T>& pairs, int components, const T* s, const T* ds,
                   const int* elements, int elementCount, const TileRow<T>& e, T* out, T* scratch) {
  constexpr int L = lanes<T>;
  const int length = firstTableRow(f.count), blocks = (f.count + blockWidth - 1) / blockWidth;
  const std::ptrdiff_t componentLength = static_cast<std::ptrdiff_t>(pairs.elements) * length;
  for (int c = 0; c < components; c++) {
    for (int k = 0; k < elementCount; k++) {
      T* const table = scratch + c * componentLength + elements[k] * length;
      for (int b = 0; b < blocks; b++)
        __builtin_memcpy(table + b * blockWidth,
                         e.e + c * e.componentStride + (k * blocks + b) * static_cast<std::size_t>(e.rows) * blockWidth,
                         blockWidth * sizeof(T));
      __builtin_memset(table + blocks * blockWidth, 0, (length - blocks * blockWidth) * sizeof(T));
    }
  }
  for (int q = 0; q < pairs.bins; q++) {
    const std::uint16_t* const end = pairs.end + q * pairs.elements;
    const int begin = pairs.begin(q), n = pairs.binEnd(q) - begin, count = f.width[q], rounded = toVectors<T>(n);
    int element = 0;
    for (int p = 0; p < n; p += L) {
      while (end[element] <= begin + p) element++;
      const Vec<T> inside = between<T>(0, n - p);
      const Directions<T> direction(pairs, begin + p);
      Vec<T> d[maxComponents];
      d[0] = Vec<T>{};
      for (int c = 0; c < components; c++) {
        const Vec<T> a = direction.component(c);
        const T* const table = scratch + c * componentLength + f.first[q];
        Vec<T> radial{}, angular{};
        for (int w = 0; w < count; w++) {
          Vec<T> g = splat(table[element * length + w]);
          for (int other = element; end[other] < begin + p + L && other + 1 < pairs.elements; other++) {
            const IntVec<T> lane = iota<T>();
            g = lane >= end[other] - begin - p ? splat(table[(other + 1) * length + w]) : g;
          }
          radial += g * load(ds + w * rounded + p);
          angular += g * load(s + w * rounded + p);
        }
        d[0] += a * radial;
        if (c > 0) d[c] = angular * inside;
      }
      d[0] *= inside;
      addPairGradient(pairs, begin + p, components, d, out);
    }
    s += static_cast<std::size_t>(count) * rounded;
    ds += static_cast<std::size_t>(count) * rounded;
  }
  const int padded = toVectors<T>(f.nearWidth);
  int element = 0;
  for (int first = pairs.begin(pairs.bins); first < pairs.count; first += L) {
    const int n = pairs.count - first < L ? pairs.count - first : L;
    Vec<T> dots[maxComponents][L];
    for (int c = 0; c < components; c++)
      for (int k = 0; k < L; k++) dots[c][k] = Vec<T>{};
    for (int k = 0; k < n; k++, s += padded, ds += padded) {
      while (pairs.end[pairs.bins * pairs.elements + element] <= first + k) element++;
      const T* table = scratch + element * length + nearWindow(f, 1 / pairs.r[first + k]);
      const Directions<T> direction(pairs, first + k);
      for (int c = 0; c < components; c++, table += componentLength) {
        const T a = direction.component(c)[0];
        for (int w = 0; w < padded; w += L) {
          dots[0][k] += a * loadu(table + w) * load(ds + w);
          if (c > 0) dots[c][k] += loadu(table + w) * load(s + w);
        }
      }
    }
    Vec<T> d[maxComponents];
    for (int c = 0; c < components; c++) d[c] = sumEach<T>(dots[c]);
    addPairGradient(pairs, first, components, d, out);
  }
}

template <class T>
std::size_t scratchCount(int pairs, int count, int elements) {
  constexpr int L = lanes<T>;
  const std::size_t factors = static_cast<std::size_t>(count + L) * toVectors<T>(pairs);
  const std::size_t dots = maxComponents * pairsAtOnce * (L + 1);
  const std::size_t table = static_cast<std::size_t>(maxComponents) * elements * firstTableRow(count);
  const std::size_t most = factors > dots ? factors : dots;
  return (most > table ? most : table) + blockWidth;
}

template <class T>
void forces(const Pairs<T>& pairs, int components, const T* gradient, std::int32_t row, T* out, double* virial,
            T* virials) {
  constexpr int L = lanes<T>;
  Vec<T> total[3] = {}, w[9] = {};
  for (int p = 0; p < pairs.count; p += L) {
    const Vec<T> inside = between<T>(0, pairs.count - p);
    const Vec<T> u[3] = {loadu(pairs.ux + p), loadu(pairs.uy + p), loadu(pairs.uz + p)};
    Vec<T> g[4];
    for (int k = 0; k < 3; k++) {
      g[k] = components == 1 ? loadu(gradient + p) * u[k] : loadu(gradient + k * pairs.stride + p);
      g[k] *= inside;
      total[k] += g[k];
    }
    g[3] = Vec<T>{};
    if (virial || virials) {
      const Vec<T> r = loadu(pairs.r + p);
      for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++) {
          const Vec<T> term = r * u[a] * g[b];
          w[3 * a + b] += term;
          if (virials)
            for (int k = 0; k < L && p + k < pairs.count; k++)
              virials[9 * static_cast<std::size_t>(pairs.row[p + k]) + 3 * a + b] -= term[k];
        }
    }
    const int n = pairs.count - p < L ? pairs.count - p : L;
    if constexpr (L == 2) {
      for (int k = 0; k < n; k++)
        for (int d = 0; d < 3; d++) out[4 * static_cast<std::size_t>(pairs.row[p + k]) + d] -= g[d][k];
    } else {
      using Quarter = typename VectorType<T, 4>::type;
      transposeQuarters(g);  // pair 4q + e is quarter q of g[e]
      alignas(64) T each[4][L];
      for (int k = 0; k < 4; k++) store(each[k], g[k]);
      for (int k = 0; k < n; k++) {
        T* const to = out + 4 * static_cast<std::size_t>(pairs.row[p + k]);
        Quarter sum, term;
        __builtin_memcpy(&sum, to, sizeof sum);
        __builtin_memcpy(&term, each[k % 4] + k / 4 * 4, sizeof term);
        sum -= term;
        __builtin_memcpy(to, &sum, sizeof sum);
      }
    }
  }
  for (int k = 0; k < 3; k++) out[4 * static_cast<std::size_t>(row) + k] += sum<T>(total[k]);
  if (virial)
    for (int k = 0; k < 9; k++) virial[k] -= sum<T>(w[k]);
}

}  // namespace mlts::MLTS_ISA
