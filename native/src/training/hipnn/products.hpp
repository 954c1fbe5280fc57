// Matrix products of the HIP-NN training pass; matrices are row-major with the given strides.
#pragma once

#include <cstddef>

namespace mlts {

// C[n][m] += A[n][k] B[k][m]
template <class T>
void addProduct(int n, int k, int m, const T* a, std::size_t strideA, const T* b, std::size_t strideB, T* c,
                std::size_t strideC) {
  int i = 0;
  for (; i + 4 <= n; i += 4) {
    const T* const a0 = a + i * strideA;
    T* const __restrict c0 = c + i * strideC;
    T* const __restrict c1 = c0 + strideC, * const __restrict c2 = c1 + strideC, * const __restrict c3 = c2 + strideC;
    for (int p = 0; p < k; p++) {
      const T* const __restrict row = b + p * strideB;
      const T x0 = a0[p], x1 = a0[strideA + p], x2 = a0[2 * strideA + p], x3 = a0[3 * strideA + p];
      for (int j = 0; j < m; j++) {
        c0[j] += x0 * row[j];
        c1[j] += x1 * row[j];
        c2[j] += x2 * row[j];
        c3[j] += x3 * row[j];
      }
    }
  }
  for (; i < n; i++) {
    T* const __restrict own = c + i * strideC;
    for (int p = 0; p < k; p++) {
      const T x = a[i * strideA + p];
      const T* const __restrict row = b + p * strideB;
      for (int j = 0; j < m; j++) own[j] += x * row[j];
    }
  }
}

// C[rows][columns] += Σ_n A[n][rows] B[n][columns]
template <class T>
void addOuter(int n, int rows, int columns, const T* a, std::size_t strideA, const T* b, std::size_t strideB, T* c,
              std::size_t strideC) {
  for (int i = 0; i < n; i++) {
    const T* const __restrict right = b + i * strideB;
    for (int r = 0; r < rows; r++) {
      const T x = a[i * strideA + r];
      T* const __restrict own = c + r * strideC;
      for (int j = 0; j < columns; j++) own[j] += x * right[j];
    }
  }
}

}  // namespace mlts
