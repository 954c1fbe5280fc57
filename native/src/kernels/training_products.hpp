// Matrix products of training: activations of a chunk, and gradients of weights.
#pragma once

#include "network.hpp"
#include "training.hpp"

namespace mlts::MLTS_ISA {

// One vector of columns of a product.
template <class T>
struct TrainingColumn {
  const T* b;      // its first element in the panel; rows are 16 apart
  std::size_t at;  // offset of its first row in C
  const T* bias;
};

// R rows × NV vectors.
template <class T, int R, int NV>
__attribute__((noinline)) void trainingTile(const TrainingProduct<T>& p, const T* a, const std::int16_t* kBlock,
                                            int kCount, const TrainingColumn<T>* columns) {
  constexpr int width = blockWidth;
  constexpr std::ptrdiff_t panel = width * width;
  constexpr int ahead = 4;  // blocks between the request for a line of B and its use
  const std::ptrdiff_t stride = static_cast<std::ptrdiff_t>(p.rows) * width;
  const T *b0 = columns[0].b, *b1 = columns[NV - 1].b;
  Vec<T> acc[NV][R];
#pragma GCC unroll 2
  for (int v = 0; v < NV; v++)
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) acc[v][r] = Vec<T>{};
  for (int q = 0; q < kCount; q++) {
    const T* x = a + kBlock[q] * stride;
    const T* p0 = b0 + kBlock[q] * panel;
    const T* p1 = b1 + kBlock[q] * panel;
    const std::ptrdiff_t later = kBlock[q + ahead < kCount ? q + ahead : kCount - 1] * panel;
    for (int k = 0; k < width; k += 4) {
#pragma GCC unroll 4
      for (int u = 0; u < 4; u++) {
        const int row = (k + u) * width;
        const Vec<T> w0 = load(p0 + row);
        __builtin_prefetch(b0 + later + row);
        Vec<T> w1{};
        if constexpr (NV == 2) {
          w1 = load(p1 + row);
          if constexpr (lanes<T> == width) __builtin_prefetch(b1 + later + row);
        }
#pragma GCC unroll 16
        for (int r = 0; r < R; r++) {
          const Vec<T> value = splat(x[r * width + k + u]);
          acc[0][r] += value * w0;
          if constexpr (NV == 2) acc[1][r] += value * w1;
        }
      }
    }
  }
  const auto finish = [&](auto apply) {
#pragma GCC unroll 2
    for (int v = 0; v < NV; v++)
#pragma GCC unroll 16
      for (int r = 0; r < R; r++) {
        const std::size_t at = columns[v].at + r * width;
        store(p.c + at, apply(acc[v][r], at, columns[v].bias));
      }
  };
  using V = Vec<T>;
  const T alpha = p.celuAlpha;
  switch (p.epilogue) {
    case TrainingEpilogue::celu:
      return finish([&](V z, std::size_t, const T* bias) { return celu<T>(z + load(bias), alpha); });
    case TrainingEpilogue::reverse:
      return finish([&](V z, std::size_t at, const T*) { return z * celuDerivative<T>(load(p.y + at), alpha); });
    case TrainingEpilogue::plain:
      return finish([](V z, std::size_t, const T*) { return z; });
    case TrainingEpilogue::tangent:  // CELU″ = CELU′/α where z < 0, else 0
      return finish([&](V z, std::size_t at, const T*) {
        const V y = load(p.y + at);
        const V curved = z * load(p.delta + at) * (1 / alpha);
        store(p.extra + at, y < V{} ? curved : V{});
        return z * celuDerivative<T>(y, alpha);
      });
    case TrainingEpilogue::adjoint:
      return finish(
          [&](V z, std::size_t at, const T*) { return load(p.c + at) + z * celuDerivative<T>(load(p.y + at), alpha); });
  }
}

template <class T>
using TrainingTile = void (*)(const TrainingProduct<T>&, const T*, const std::int16_t*, int, const TrainingColumn<T>*);

template <class T, int NV>
TrainingTile<T> trainingTileOf(int rows) {
  static constexpr TrainingTile<T> table[] = {
      trainingTile<T, 1, NV>,  trainingTile<T, 2, NV>,  trainingTile<T, 3, NV>,
      trainingTile<T, 4, NV>,  trainingTile<T, 5, NV>,  trainingTile<T, 6, NV>,
#if defined(__AVX512F__) || defined(__aarch64__)
      trainingTile<T, 7, NV>,  trainingTile<T, 8, NV>,  trainingTile<T, 9, NV>,
      trainingTile<T, 10, NV>, trainingTile<T, 11, NV>, trainingTile<T, 12, NV>,
#endif
  };
  return table[rows - 1];
}

template <class T>
void trainingMultiply(const TrainingProduct<T>& p, const RowTile* tiles, int tileCount) {
  constexpr int width = blockWidth;
  constexpr int perGroup = width / lanes<T>;
  constexpr int together = perGroup == 1 ? 2 : 1;  // groups a register tile spans
  const std::size_t panel = p.depth * width, stride = static_cast<std::size_t>(p.rows) * width;
  const int depthBlocks = static_cast<int>(p.depth) / width;
  for (int begin = 0, end; begin < tileCount; begin = end) {
    // Tiles that see the same blocks share each panel while it is in the cache.
    end = begin + 1;
    while (end < tileCount && (!p.sparseC || tiles[end].blocks == tiles[begin].blocks)) end++;
    const std::int16_t* groups = p.sparseC ? tiles[begin].blocks : p.dense;
    const int groupCount = p.sparseC ? tiles[begin].blockCount : p.groups;
    for (int g = 0; g < groupCount; g += together) {
      const int n = g + together <= groupCount ? together : 1;
      for (const RowTile* t = tiles + begin; t < tiles + end; t++) {
        const T* a = p.a + t->first * width;
        const std::int16_t* kBlock = p.sparseA ? t->blocks : p.dense;
        const int kCount = p.sparseA ? t->blockCount : depthBlocks;
        TrainingColumn<T> columns[2];
        const auto column = [&](int group, int offset) {
          return TrainingColumn<T>{p.b + group * panel + offset, group * stride + t->first * width + offset,
                                   p.bias + group * width + offset};
        };
        if constexpr (perGroup == 1) {
          for (int s = 0; s < n; s++) columns[s] = column(groups[g + s], 0);
          const auto kernel = n == 2 ? trainingTileOf<T, 2>(t->rows) : trainingTileOf<T, 1>(t->rows);
          kernel(p, a, kBlock, kCount, columns);
        } else {
          for (int offset = 0; offset < width; offset += 2 * lanes<T>) {
            for (int v = 0; v < 2; v++) columns[v] = column(groups[g], offset + v * lanes<T>);
            trainingTileOf<T, 2>(t->rows)(p, a, kBlock, kCount, columns);
          }
        }
      }
    }
  }
}

// N units × NV vectors of w; x's vectors are xStride apart.
template <class T, int N, int NV>
__attribute__((noinline)) void gradientTile(const OuterProduct<T>* products, int count, const RowRange* ranges,
                                            int rangeCount, std::size_t dAt, std::size_t xAt, std::size_t xStride, T* w,
                                            std::size_t wStride) {
  constexpr int width = blockWidth;
  Vec<T> acc[NV][N];
#pragma GCC unroll 3
  for (int v = 0; v < NV; v++)
#pragma GCC unroll 16
    for (int n = 0; n < N; n++) acc[v][n] = load(w + v * wStride + n * width);
  for (const OuterProduct<T>* p = products; p < products + count; p++) {
    for (const RowRange* range = ranges; range < ranges + rangeCount; range++) {
      const T* d = p->d + dAt + static_cast<std::size_t>(range->first) * width;
      const T* x = p->x + xAt + static_cast<std::size_t>(range->first) * width;
      for (int r = 0; r < range->count; r++, d += width, x += width) {
        Vec<T> value[NV];
#pragma GCC unroll 3
        for (int v = 0; v < NV; v++) value[v] = load(x + v * xStride);
#pragma GCC unroll 16
        for (int n = 0; n < N; n++) {
          const Vec<T> unit = splat(d[n]);
#pragma GCC unroll 3
          for (int v = 0; v < NV; v++) acc[v][n] += unit * value[v];
        }
      }
    }
  }
#pragma GCC unroll 3
  for (int v = 0; v < NV; v++)
#pragma GCC unroll 16
    for (int n = 0; n < N; n++) store(w + v * wStride + n * width, acc[v][n]);
}

template <class T>
void weightGradient(const OuterProduct<T>* products, int count, int rows, const RowRange* ranges, int rangeCount,
                    int first, int blocks, int units, T* w) {
  constexpr int width = blockWidth, perBlock = width / lanes<T>;
  constexpr int N = registers == 32 ? 8 : 4;
  const std::size_t stride = static_cast<std::size_t>(rows) * width, wBlock = static_cast<std::size_t>(units) * width;
  // Vectors of w at equal distances, as many as fit the registers: three of them where each is a block.
  constexpr int most = perBlock == 1 && registers == 32 ? 3 : 2;
  const int vectors = blocks * perBlock;
  const auto inX = [&](int i) { return (first + i / perBlock) * stride + i % perBlock * lanes<T>; };
  const auto inW = [&](int i) { return (first + i / perBlock) * wBlock + i % perBlock * lanes<T>; };
  for (int i = 0, n; i < vectors; i += n) {
    n = vectors - i == 4 ? 2 : vectors - i < most ? vectors - i : most;
    const auto kernel = n == 3 ? gradientTile<T, N, most> : n == 2 ? gradientTile<T, N, 2> : gradientTile<T, N, 1>;
    const std::size_t xStride = n > 1 ? inX(i + 1) - inX(i) : 0, wStride = n > 1 ? inW(i + 1) - inW(i) : 0;
    for (int unit = 0; unit < units; unit += N)
      kernel(products, count, ranges, rangeCount, unit / width * stride + unit % width, inX(i), xStride,
             w + inW(i) + unit * width, wStride);
  }
}

template <class T>
void trainingOutput(const T* h, int rows, int blocks, const T* w, T bias, T alpha, T* energy, T* delta) {
  for (int r = 0; r < rows; r++) {
    Vec<T> dot{};
    for (int block = 0; block < blocks; block++) {
      for (int column = 0; column < blockWidth; column += lanes<T>) {
        const std::size_t at = (static_cast<std::size_t>(block) * rows + r) * blockWidth + column;
        const Vec<T> value = load(h + at), weight = load(w + block * blockWidth + column);
        dot += value * weight;
        store(delta + at, weight * celuDerivative<T>(value, alpha));
      }
    }
    energy[r] = sum<T>(dot) + bias;
  }
}

template <class T>
void outputAdjoint(const T* h, const T* hdot, const T* delta, const T* a, int rows, int blocks, T* zbar, T* wbar) {
  for (int block = 0; block < blocks; block++) {
    for (int column = 0; column < blockWidth; column += lanes<T>) {
      Vec<T> total = load(wbar + block * blockWidth + column);
      for (int r = 0; r < rows; r++) {
        const std::size_t at = (static_cast<std::size_t>(block) * rows + r) * blockWidth + column;
        const Vec<T> scale = splat(a[r]);
        total += scale * load(h + at);
        Vec<T> z = scale * load(delta + at);
        if (hdot) {
          total += load(hdot + at);
          z += load(zbar + at);
        }
        store(zbar + at, z);
      }
      store(wbar + block * blockWidth + column, total);
    }
  }
}

template <class T>
void columnSums(const T* d, int rows, int blocks, T* sums) {
  for (int block = 0; block < blocks; block++) {
    for (int column = 0; column < blockWidth; column += lanes<T>) {
      Vec<T> total = load(sums + block * blockWidth + column);
      for (int r = 0; r < rows; r++)
        total += load(d + (static_cast<std::size_t>(block) * rows + r) * blockWidth + column);
      store(sums + block * blockWidth + column, total);
    }
  }
}

}  // namespace mlts::MLTS_ISA
