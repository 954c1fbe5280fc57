// What happens between the matrix products of HIP-NN: activations, norms of the tensors, and moving rows.
#pragma once

#include "../hipnn/kernels.hpp"
#include "hipnn_gradient.hpp"

namespace mlts::MLTS_ISA {

// ln(1 + t) for 0 ≤ t ≤ 1: 2 artanh(x), x = t/(2 + t) ≤ ⅓. Terms to x^(2n+1): remainder below 2e-9 or 1e-17.
template <class T>
MLTS_INLINE Vec<T> logOnePlus(Vec<T> t) {
  constexpr int terms = sizeof(T) == 4 ? 8 : 16;
  const Vec<T> x = t / (t + T(2)), q = x * x;
  Vec<T> p = splat(T(2) / (2 * terms - 1));
#pragma GCC unroll 16
  for (int k = terms - 2; k >= 0; k--) p = p * q + T(2) / (2 * k + 1);
  return p * x;
}

template <class T>
void softplus(T* y, T* slope, std::size_t n) {
  for (std::size_t i = 0; i < n; i += lanes<T>) {
    const Vec<T> x = load(y + i), zero{};
    const Vec<T> t = exp<T>(x > zero ? -x : x);
    const Vec<T> s = T(1) / (t + T(1));
    store(slope + i, x > zero ? s : t * s);
    store(y + i, max(x, zero) + logOnePlus<T>(t));
  }
}

template <class T>
void multiplyInPlace(T* y, const T* by, std::size_t n) {
  for (std::size_t i = 0; i < n; i += lanes<T>) store(y + i, load(y + i) * load(by + i));
}

template <class T>
void norms(T* y, int components, int blocks, int rows, const T* vectorScales, const T* quadraticScales, T cusp,
           T* factors) {
  constexpr T tiny = sizeof(T) == 4 ? T(1e-30) : T(1e-300);  // 0 has no direction
  const std::size_t size = static_cast<std::size_t>(blocks) * rows * blockWidth;
  for (int block = 0; block < blocks; block++) {
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < blockWidth; column += lanes<T>) {
        T* const at = y + (block * rows + row) * static_cast<std::size_t>(blockWidth) + column;
        T* const to = factors + (at - y);
        const int feature = block * blockWidth + column;
        const Vec<T> m1 = load(at + size), m2 = load(at + 2 * size), m3 = load(at + 3 * size);
        const Vec<T> vector = sqrt(max(m1 * m1 + m2 * m2 + m3 * m3 + cusp, splat(tiny)));
        const Vec<T> t = load(vectorScales + feature), scale = t / vector;
        Vec<T> sum = load(at) + t * vector;
        store(to, scale * m1);
        store(to + size, scale * m2);
        store(to + 2 * size, scale * m3);
        if (components == maxComponents) {
          const Vec<T> xx = load(at + 4 * size), xy = load(at + 5 * size), xz = load(at + 6 * size);
          const Vec<T> yy = load(at + 7 * size), yz = load(at + 8 * size);
          const Vec<T> squares = xx * xx + xy * xy + xz * xz + yy * yy + yz * yz + xx * yy;
          const Vec<T> norm = sqrt(max(T(2) * squares + cusp, splat(tiny)));
          const Vec<T> q = load(quadraticScales + feature), factor = q / norm;
          sum += q * norm;
          store(to + 3 * size, factor * (T(2) * xx + yy));
          store(to + 4 * size, factor * T(2) * xy);
          store(to + 5 * size, factor * T(2) * xz);
          store(to + 6 * size, factor * (T(2) * yy + xx));
          store(to + 7 * size, factor * T(2) * yz);
        }
        store(at, sum);
      }
    }
  }
}

template <class T>
void fill(T* y, int blocks, int rows, const T* values, bool add) {
  for (int block = 0; block < blocks; block++, values += blockWidth)
    for (int row = 0; row < rows; row++, y += blockWidth)
      for (int k = 0; k < blockWidth; k += lanes<T>)
        store(y + k, add ? load(y + k) + load(values + k) : load(values + k));
}

template <class T>
void fillRow(T* y, int blocks, int rows, int row, const T* values) {
  for (int block = 0; block < blocks; block++)
    for (int k = 0; k < blockWidth; k += lanes<T>)
      store(y + (block * rows + row) * blockWidth + k, load(values + block * blockWidth + k));
}

template <class T, class Move>
MLTS_INLINE void eachVector(int blocks, int rows, Move move) {
  for (int row = 0; row < rows; row++)
    for (int block = 0; block < blocks; block++)
      for (int k = 0; k < blockWidth; k += lanes<T>)
        move((block * rows + row) * static_cast<std::size_t>(blockWidth) + k,
             (row * blocks + block) * static_cast<std::size_t>(blockWidth) + k);
}
template <class T>
void loadTile(T* y, int blocks, int rows, const T* z, bool add) {
  eachVector<T>(blocks, rows, [&](std::size_t tile, std::size_t row) {
    store(y + tile, add ? load(y + tile) + load(z + row) : load(z + row));
  });
}
template <class T>
void storeTile(const T* y, int blocks, int rows, T* z) {
  eachVector<T>(blocks, rows, [&](std::size_t tile, std::size_t row) { store(z + row, load(y + tile)); });
}
template <class T>
void addTileToRows(const T* y, int blocks, int rows, T* z) {
  eachVector<T>(blocks, rows,
                [&](std::size_t tile, std::size_t row) { store(z + row, load(z + row) + load(y + tile)); });
}

template <class T>
void dotRows(const T* y, int blocks, int rows, const T* weights, T* energy) {
  for (int row = 0; row < rows; row++) {
    Vec<T> dot{};
    for (int block = 0; block < blocks; block++)
      for (int k = 0; k < blockWidth; k += lanes<T>)
        dot += load(y + (block * rows + row) * static_cast<std::size_t>(blockWidth) + k) *
               load(weights + block * blockWidth + k);
    energy[row] = sum<T>(dot);
  }
}

template <class T>
constexpr HipnnKernels<T> hipnnKernels{
    findPairs<T>,     sensitivityCount<T>, sensitivities<T>, environment<T>, environmentFirst<T>, gradient<T>,
    gradientFirst<T>, scratchCount<T>,     forces<T>,        softplus<T>,    multiplyInPlace<T>,  norms<T>,
    fill<T>,          fillRow<T>,          loadTile<T>,      storeTile<T>,   addTileToRows<T>,    dotRows<T>,
};

}  // namespace mlts::MLTS_ISA
