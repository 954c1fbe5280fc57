// Matrix products of the HIP-NN training pass; matrices are row-major with the given strides. Tiles of C stay in
// registers while the sum runs.
#pragma once

#include <cstddef>

#include "../../kernels/transpose.hpp"
#include "../../simd/simd.hpp"

namespace mlts::MLTS_ISA {

template <class V, class T>
MLTS_INLINE V loadAs(const T* p) {
  V v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
// Whether a product is added to C or becomes C.
enum class Into { sum, fresh };

template <Into into, class V, class T>
MLTS_INLINE void put(T* p, V v) {
  if constexpr (into == Into::sum) v += loadAs<V>(p);
  __builtin_memcpy(p, &v, sizeof v);
}

// to += row, four numbers at a time.
template <class T>
MLTS_INLINE void addRow(const T* __restrict row, int count, T* __restrict to) {
  using Four = typename VectorType < T, lanes<T><4 ? lanes<T> : 4>::type;
  constexpr int width = sizeof(Four) / sizeof(T);
  int k = 0;
  for (; k + width <= count; k += width) put<Into::sum>(to + k, loadAs<Four>(row + k));
  for (; k < count; k++) to[k] += row[k];
}

template <class T>
MLTS_INLINE void copyRow(const T* __restrict row, int count, T* __restrict to) {
  using Four = typename VectorType < T, lanes<T><4 ? lanes<T> : 4>::type;
  constexpr int width = sizeof(Four) / sizeof(T);
  int k = 0;
  for (; k + width <= count; k += width) put<Into::fresh>(to + k, loadAs<Four>(row + k));
  for (; k < count; k++) to[k] = row[k];
}

// Halves added to each other until one number is left.
template <class T, int width>
MLTS_INLINE T sumOf(const typename VectorType<T, width>::type& v) {
  if constexpr (width <= 4) {
    T sum = v[0] + v[1];
    if constexpr (width == 4) sum += v[2] + v[3];
    return sum;
  } else {
    typename VectorType<T, width / 2>::type halves[2];
    __builtin_memcpy(halves, &v, sizeof v);
    return sumOf<T, width / 2>(halves[0] + halves[1]);
  }
}

// Σ_k a[k] b[k] over whole registers.
template <class T>
MLTS_INLINE T inner(const T* a, const T* b, int count) {
  Vec<T> sum{};
  for (int k = 0; k < count; k += lanes<T>) sum += loadu(a + k) * loadu(b + k);
  return sumOf<T, lanes<T>>(sum);
}

// Rows × columns of C, `vectors` registers wide and four columns more: Σ_p left(row, p) B[p][column]. Every sum is
// held in a register: GCC 12 otherwise vectorizes short tiles along p, with loads past the end of A.
template <Into into, int rows, int vectors, bool four, class T, class Left>
MLTS_INLINE void putTile(int k, const Left& left, const T* b, std::size_t strideB, T* c, std::size_t strideC) {
  constexpr int width = lanes<T>, last = vectors * width;
  using Four = typename VectorType < T, lanes<T><4 ? lanes<T> : 4>::type;
  Vec<T> sum[rows][vectors > 0 ? vectors : 1] = {};
  Four rest[rows] = {};
  for (int p = 0; p < k; p++) {
    const T* const from = b + p * strideB;
    Vec<T> row[vectors > 0 ? vectors : 1];
    for (int j = 0; j < vectors; j++) row[j] = inRegister(loadu(from + j * width));
    Four end{};
    if constexpr (four) end = inRegister(loadAs<Four>(from + last));
    for (int r = 0; r < rows; r++) {
      const T x = left(r, p);
      for (int j = 0; j < vectors; j++) sum[r][j] = inRegister(sum[r][j] + x * row[j]);
      if constexpr (four) rest[r] = inRegister(rest[r] + x * end);
    }
  }
  for (int r = 0; r < rows; r++) {
    for (int j = 0; j < vectors; j++) put<into>(c + r * strideC + j * width, sum[r][j]);
    if constexpr (four) put<into>(c + r * strideC + last, rest[r]);
  }
}

// One column.
template <Into into, int rows, class T, class Left>
MLTS_INLINE void putColumn(int k, const Left& left, const T* b, std::size_t strideB, T* c, std::size_t strideC) {
  T sum[rows] = {};
  for (int p = 0; p < k; p++)
    for (int r = 0; r < rows; r++) sum[r] = inRegister(sum[r] + left(r, p) * b[p * strideB]);
  for (int r = 0; r < rows; r++) put<into>(c + r * strideC, sum[r]);
}

template <Into into, int rows, class T, class Left>
void putRows(int k, int m, const Left left, const T* b, std::size_t strideB, T* c, std::size_t strideC) {
  constexpr int width = lanes<T>;
  int j = 0;
  for (; j + 2 * width <= m; j += 2 * width) putTile<into, rows, 2, false>(k, left, b + j, strideB, c + j, strideC);
  if constexpr (width > 4) {
    if (j + width + 4 <= m) {
      putTile<into, rows, 1, true>(k, left, b + j, strideB, c + j, strideC);
      j += width + 4;
    }
  }
  if (j + width <= m) {
    putTile<into, rows, 1, false>(k, left, b + j, strideB, c + j, strideC);
    j += width;
  }
  if constexpr (width > 4)
    for (; j + 4 <= m; j += 4) putTile<into, rows, 0, true>(k, left, b + j, strideB, c + j, strideC);
  for (; j < m; j++) putColumn<into, rows>(k, left, b + j, strideB, c + j, strideC);
}

// tile(rows, first): rows one after the other, in tiles of eight, then of what is left.
template <class Tile>
MLTS_INLINE void forEachTile(int rows, Tile tile) {
  int i = 0;
  for (; i + 8 <= rows; i += 8) tile(Constant<8>{}, i);
  if (i + 4 <= rows) tile(Constant<4>{}, i), i += 4;
  if (i + 3 == rows) return tile(Constant<3>{}, i);
  if (i + 2 == rows) return tile(Constant<2>{}, i);
  if (i + 1 == rows) tile(Constant<1>{}, i);
}

// C[n][m] (+)= A[n][k] B[k][m]
template <Into into = Into::sum, class T>
void product(int n, int k, int m, const T* a, std::size_t strideA, const T* b, std::size_t strideB, T* c,
             std::size_t strideC) {
  forEachTile(n, [=](auto rows, int i) {
    const T* const own = a + i * strideA;
    putRows<into, decltype(rows)::value>(
        k, m, [=](int r, int p) { return own[r * strideA + p]; }, b, strideB, c + i * strideC, strideC);
  });
}

// C[rows][columns] (+)= Σ_n A[n][rows] B[n][columns]
template <Into into = Into::sum, class T>
void outerProduct(int n, int rows, int columns, const T* a, std::size_t strideA, const T* b, std::size_t strideB, T* c,
                  std::size_t strideC) {
  forEachTile(rows, [=](auto count, int i) {
    const T* const own = a + i;
    putRows<into, decltype(count)::value>(
        n, columns, [=](int r, int p) { return own[p * strideA + r]; }, b, strideB, c + i * strideC, strideC);
  });
}

// to[columns][rows] = from[rows][columns]ᵀ; rows and columns are contiguous but for the stride of `to`.
template <class T>
void transpose(const T* from, int rows, int columns, T* to, std::size_t strideTo) {
  int r = 0;
  if constexpr (lanes<T> >= 4) {
    for (; r + 4 <= rows; r += 4) {
      const T* const own = from + static_cast<std::size_t>(r) * columns;
      T* const out = to + r;
      int c = 0;
      for (; c + lanes<T> <= columns; c += lanes<T>) {
        Vec<T> v[4];
        for (int k = 0; k < 4; k++) v[k] = loadu(own + static_cast<std::size_t>(k) * columns + c);
        transposeQuarters(v);
        for (int e = 0; e < 4; e++)
          for (int quarter = 0; quarter < lanes<T> / 4; quarter++)
            __builtin_memcpy(out + (c + 4 * quarter + e) * strideTo, reinterpret_cast<const T*>(&v[e]) + 4 * quarter,
                             4 * sizeof(T));
      }
      for (; c < columns; c++)
        for (int k = 0; k < 4; k++) out[c * strideTo + k] = own[static_cast<std::size_t>(k) * columns + c];
    }
  }
  for (; r < rows; r++)
    for (int c = 0; c < columns; c++) to[c * strideTo + r] = from[static_cast<std::size_t>(r) * columns + c];
}

}  // namespace mlts::MLTS_ISA
