// Matrix products of the networks: C = epilogue(A·B + bias) on tile-major activations and packed weights.
//
// A register tile holds R rows × 2 vectors; the two vectors are columns of one 16-wide group or, where a register holds
// a whole group, of two groups. B is read once per tile, two streams, prefetched along the list of blocks really used.
#pragma once

#include "../simd/simd.hpp"
#include "interface.hpp"
#include "transpose.hpp"

namespace mlts::MLTS_ISA {

// Accumulators, two rows of B and one broadcast must fit the register file: 32 registers, or 16.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int tileRows = 12;
#else
constexpr int tileRows = 6;
#endif

// CELU_α(x) = max(0,x) + min(0, α(e^{x/α} − 1)); doi:10.48550/arXiv.1704.07483
template <class T>
MLTS_INLINE Vec<T> celu(Vec<T> x, T alpha) {
  const Vec<T> zero{};
  const T log2e = T(1.44269504088896340736);
  const Vec<T> negative = exp2(min(x, zero) * (log2e / alpha)) * alpha - alpha;
  return x > zero ? x : negative;
}
// CELU′ from the output y: 1 for y > 0, else y/α + 1.
template <class T>
MLTS_INLINE Vec<T> celuDerivative(Vec<T> y, T alpha) {
  return min(y * (1 / alpha) + T(1), splat(T(1)));
}

// One vector of columns of a product.
template <class T>
struct Column {
  const T* b;     // its first element in the group; rows are 16 apart
  const T* next;  // the same of the panel that is needed after this one
  T* c;
  const T* bias;
};

// R rows × NV vectors.
template <class T, int R, int NV>
__attribute__((noinline)) void tile(Epilogue epilogue, const T* __restrict a, const std::int16_t* kBlock, int kCount,
                                    const Column<T>* columns, T alpha) {
  constexpr int width = blockWidth;
  constexpr std::ptrdiff_t block = width * width;
  // How many blocks ahead of its use a line of B is asked for.
  constexpr int ahead = 4;
  const Column<T>&first = columns[0], &second = columns[NV - 1];
  const T *b0 = first.b, *b1 = second.b;
  Vec<T> acc0[R], acc1[R];
#pragma GCC unroll 16
  for (int r = 0; r < R; r++) acc0[r] = acc1[r] = Vec<T>{};
  for (int q = 0; q < kCount; q++) {
    const std::ptrdiff_t here = kBlock[q] * block;
    const bool wraps = q + ahead >= kCount;
    const std::ptrdiff_t later = kBlock[!wraps                        ? q + ahead
                                        : q + ahead - kCount < kCount ? q + ahead - kCount
                                                                      : 0] *
                                 block;
    const T* n0 = (wraps ? first.next : b0) + later;
    const T* n1 = (wraps ? second.next : b1) + later;
    const T* p0 = b0 + here;
    const T* p1 = b1 + here;
    for (int k = 0; k < width; k += 4) {
#pragma GCC unroll 4
      for (int u = 0; u < 4; u++) {
        const int row = (k + u) * width;
        const Vec<T> w0 = load(p0 + row);
        __builtin_prefetch(n0 + row);
        Vec<T> w1{};
        if constexpr (NV == 2) {
          w1 = load(p1 + row);
          if constexpr (lanes<T> == width) __builtin_prefetch(n1 + row);
        }
#pragma GCC unroll 16
        for (int r = 0; r < R; r++) {
          const Vec<T> x = splat(a[r * width + k + u]);
          acc0[r] += x * w0;
          if constexpr (NV == 2) acc1[r] += x * w1;
        }
      }
    }
    a += R * width;
  }
  const auto finish = [&](auto apply) {
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) {
      store(first.c + r * width, apply(acc0[r], first.c + r * width, first.bias));
      if constexpr (NV == 2) store(second.c + r * width, apply(acc1[r], second.c + r * width, second.bias));
    }
  };
  using V = Vec<T>;
  switch (epilogue) {
    case Epilogue::celu:
      return finish([=](V z, const T*, const T* bias) { return celu<T>(z + load(bias), alpha); });
    case Epilogue::celuGradient:
      return finish([=](V z, const T* y, const T*) { return z * celuDerivative<T>(load(y), alpha); });
    case Epilogue::add:
      return finish([](V z, const T* c, const T*) { return z + load(c); });
    case Epilogue::plain:
      return finish([](V z, const T*, const T*) { return z; });
  }
}

template <class T>
using TileKernel = void (*)(Epilogue, const T*, const std::int16_t*, int, const Column<T>*, T);

template <class T, int NV>
TileKernel<T> tileOf(int rows) {
  static constexpr TileKernel<T> table[] = {
      tile<T, 1, NV>, tile<T, 2, NV>, tile<T, 3, NV>, tile<T, 4, NV>,  tile<T, 5, NV>,  tile<T, 6, NV>,
#if defined(__AVX512F__) || defined(__aarch64__)
      tile<T, 7, NV>, tile<T, 8, NV>, tile<T, 9, NV>, tile<T, 10, NV>, tile<T, 11, NV>, tile<T, 12, NV>,
#endif
  };
  return table[rows - 1];
}

template <class T>
void multiply(Epilogue epilogue, const TileProduct<T>* tiles, int tileCount, const T* b, std::size_t depth,
              const std::int16_t* groups, int groupCount, const T* bias, T alpha) {
  constexpr int width = blockWidth;
  constexpr int perGroup = width / lanes<T>;       // vectors in one group of columns
  constexpr int together = perGroup == 1 ? 2 : 1;  // groups a register tile spans
  const std::size_t groupSize = depth * width;
  for (int g = 0; g < groupCount; g += together) {
    for (const TileProduct<T>* t = tiles; t < tiles + tileCount; t++) {
      const bool panelDone = t + 1 == tiles + tileCount;
      Column<T> columns[2];
      int n = 0;
      for (int s = g; s < g + together && s < groupCount; s++) {
        const int group = groups[s];
        const int block = t->position ? t->position[group] : group;
        if (block < 0) continue;
        const int next = panelDone && s + together < groupCount ? groups[s + together] : group;
        columns[n++] = {b + group * groupSize, b + next * groupSize,
                        t->c + static_cast<std::size_t>(block) * t->rows * width,
                        epilogue == Epilogue::celu ? bias + group * width : bias};
      }
      if (n == 0) continue;
      if constexpr (perGroup == 1) {
        const TileKernel<T> kernel = n == 2 ? tileOf<T, 2>(t->rows) : tileOf<T, 1>(t->rows);
        kernel(epilogue, t->a, t->kBlock, t->kCount, columns, alpha);
      } else {
        const TileKernel<T> kernel = tileOf<T, 2>(t->rows);
        const Column<T> group = columns[0];
        for (int column = 0; column < width; column += 2 * lanes<T>) {
          for (int v = 0; v < 2; v++) {
            const int offset = column + v * lanes<T>;
            columns[v] = {group.b + offset, group.next + offset, group.c + offset, group.bias + offset};
          }
          kernel(epilogue, t->a, t->kBlock, t->kCount, columns, alpha);
        }
      }
    }
  }
}

// C = epilogue(A·Bᵀ) for R rows and one block of 16 columns of C, which are 16 rows of B from `b` on: dot products
// along B's vectors, several of them at a time, so that each vector of B loaded meets all rows.
template <class T, int R>
__attribute__((noinline)) void transposedTile(Epilogue epilogue, const T* __restrict a, const std::int16_t* kBlock,
                                              int kCount, const T* b, const T* next, std::size_t panelSize, T* c,
                                              T alpha) {
  constexpr int width = blockWidth, n = lanes<T>;
  constexpr int most = (registers * 3 / 4) / R, together = most >= 16 ? 16 : most >= 8 ? 8 : most >= 4 ? 4 : 2;
  Vec<T> sums[R][width];
  for (int first = 0; first < width; first += together) {
    Vec<T> acc[R][together];
#pragma GCC unroll 16
    for (int r = 0; r < R; r++)
#pragma GCC unroll 16
      for (int k = 0; k < together; k++) acc[r][k] = Vec<T>{};
    const T* x = a;
    for (int q = 0; q < kCount; q++, x += R * width) {
      const std::size_t panel = kBlock[q] * panelSize;
      const T* p = b + panel + first * width;
#pragma GCC unroll 16
      for (int k = 0; k < together; k++) __builtin_prefetch(next + panel + (first + k) * width);
      for (int column = 0; column < width; column += n) {
        Vec<T> w[together];
#pragma GCC unroll 16
        for (int k = 0; k < together; k++) w[k] = load(p + k * width + column);
#pragma GCC unroll 16
        for (int r = 0; r < R; r++) {
          const Vec<T> row = inRegister(load(x + r * width + column));
#pragma GCC unroll 16
          for (int k = 0; k < together; k++) acc[r][k] += row * w[k];
        }
      }
    }
#pragma GCC unroll 16
    for (int r = 0; r < R; r++)
#pragma GCC unroll 16
      for (int k = 0; k < together; k++) sums[r][first + k] = acc[r][k];
  }
  for (int r = 0; r < R; r++) {
    for (int column = 0; column < width; column += n) {
      T* to = c + r * width + column;
      const Vec<T> z = sumEach<T>(sums[r] + column);
      store(to, epilogue == Epilogue::celuGradient ? z * celuDerivative<T>(load(to), alpha)
                : epilogue == Epilogue::add        ? z + load(to)
                                                   : z);
    }
  }
}

template <class T>
using TransposedKernel = void (*)(Epilogue, const T*, const std::int16_t*, int, const T*, const T*, std::size_t, T*, T);

template <class T>
TransposedKernel<T> transposedTileOf(int rows) {
  static constexpr TransposedKernel<T> table[] = {
      transposedTile<T, 1>,  transposedTile<T, 2>,  transposedTile<T, 3>,
      transposedTile<T, 4>,  transposedTile<T, 5>,  transposedTile<T, 6>,
#if defined(__AVX512F__) || defined(__aarch64__)
      transposedTile<T, 7>,  transposedTile<T, 8>,  transposedTile<T, 9>,
      transposedTile<T, 10>, transposedTile<T, 11>, transposedTile<T, 12>,
#endif
  };
  return table[rows - 1];
}

// For one tile alone, B packed for A·B: one reading of B from memory then serves both directions. Several tiles, which
// share each panel, are faster with a packing of their own.
template <class T>
void multiplyTransposed(Epilogue epilogue, const TileProduct<T>& tile, const T* b, std::size_t depth,
                        const std::int16_t* groups, int groupCount, T alpha) {
  constexpr std::ptrdiff_t width = blockWidth;
  const TransposedKernel<T> kernel = transposedTileOf<T>(tile.rows);
  for (int g = 0; g < groupCount; g++) {
    const int block = tile.position ? tile.position[groups[g]] : groups[g];
    if (block < 0) continue;
    const int next = groups[g + 1 < groupCount ? g + 1 : g];
    kernel(epilogue, tile.a, tile.kBlock, tile.kCount, b + groups[g] * width * width, b + next * width * width,
           depth * width, tile.c + block * tile.rows * width, alpha);
  }
}

template <class T>
void output(T* y, int rows, int blocks, const T* weights, T bias, T scale, T alpha, T* energy) {
  for (int r = 0; r < rows; r++) {
    Vec<T> dot{};
    for (int block = 0; block < blocks; block++) {
      for (int column = 0; column < blockWidth; column += lanes<T>) {
        T* p = y + (block * rows + r) * blockWidth + column;
        const Vec<T> value = load(p);
        const Vec<T> w = load(weights + block * blockWidth + column);
        dot += value * w;
        store(p, w * scale * celuDerivative<T>(value, alpha));
      }
    }
    energy[r] = sum<T>(dot) + bias;
  }
}

}  // namespace mlts::MLTS_ISA
