// What the training driver and its kernels share (native/src/training/): tables of function pointers per instruction
// set and precision, as in interface.hpp.
//
// A chunk of atoms of one element is a matrix [block][rows][16], all rows of one block of columns together. Its rows
// come in tiles that see the same blocks of the descriptor; of other blocks nothing is read or written.
//
// Notation: per layer z = W·h + b, h' = CELU(z). δ = ∂ε/∂z of the atomic energy ε. A dot is the derivative along a
// direction of the coordinates. z̄ = ∂Λ/∂z for Λ = aε + ε̇, whose gradient in the weights is that of the loss; then
// ∂Λ/∂ż = δ and ∂Λ/∂W = z̄ hᵀ + δ ḣᵀ.
#pragma once

#include "interface.hpp"

namespace mlts {

struct RowTile {
  int first, rows;             // rows ≤ tileRows
  const std::int16_t* blocks;  // of the descriptor, ascending
  int blockCount;
};

enum class TrainingEpilogue {
  celu,     // C = CELU(AB + bias)
  reverse,  // C = AB ⊙ CELU′, which y tells: y = CELU(z)
  plain,    // C = AB
  tangent,  // C = AB ⊙ CELU′; extra = CELU″ ⊙ AB ⊙ the sum whose product with CELU′ is delta
  adjoint,  // C = C + AB ⊙ CELU′
};

// C = epilogue(A·B); y, delta and extra lie as C does.
template <class T>
struct TrainingProduct {
  TrainingEpilogue epilogue;
  const T* a;
  T* c;
  int rows;                   // of the chunk
  const T* b;                 // [groups][depth][16]
  std::size_t depth;          // 16 · blocks of A
  int groups;                 // blocks of C
  bool sparseA, sparseC;      // A or C is a matrix of descriptors: only a tile's own blocks exist
  const std::int16_t* dense;  // 0, 1, 2 … as many as A or C has blocks
  const T *bias, *y, *delta;
  T* extra;
  T celuAlpha;
};

// A pair of matrices with the same rows: Σ_rows d·xᵀ.
template <class T>
struct OuterProduct {
  const T *d, *x;
};

struct RowRange {
  int first, count;
};

template <class T>
struct AdamStep {
  T beta1, beta2, epsilon;
  T rate;           // η/(1 − β1ᵗ)
  T rootScale;      // 1/√(1 − β2ᵗ)
  T gradientScale;  // of clipping
  T shrink;         // 1 − ηλ of decoupled decay
  T l2;             // λ of decay in the gradient
};

template <class T>
struct TrainingKernels {
  void (*multiply)(const TrainingProduct<T>&, const RowTile* tiles, int tileCount);
  // ε = Σ h·w + b and δ = w ⊙ CELU′ of the last hidden layer.
  void (*output)(const T* h, int rows, int blocks, const T* w, T bias, T celuAlpha, T* energy, T* delta);
  // w̄ += Σ_rows a·h + ḣ; z̄ = aδ + z̄. hdot null: ḣ and the z̄ given count as 0.
  void (*outputAdjoint)(const T* h, const T* hdot, const T* delta, const T* a, int rows, int blocks, T* zbar, T* wbar);
  // w[block of x][unit][16] += Σ d·xᵀ for x's blocks first … first+blocks−1 over the row ranges; d has `units`
  // columns, matrices have `rows` rows.
  void (*weightGradient)(const OuterProduct<T>* products, int count, int rows, const RowRange* ranges, int rangeCount,
                         int first, int blocks, int units, T* w);
  // sums[blocks·16] += Σ_rows d.
  void (*columnSums)(const T* d, int rows, int blocks, T* sums);
  // [columns/16][rows][16] → [rows/16][columns][16], both multiples of 16.
  void (*transpose)(const T* from, int rows, int columns, T* to);
  // parts[0] += the others, which become 0; returns Σ squares.
  double (*gather)(T* const* parts, int count, std::size_t n);
  void (*adam)(const AdamStep<T>&, const T* gradient, T* value, T* m, T* v, std::size_t n);
  // average ← d·average + (1−d)·value.
  void (*average)(T* average, const T* value, T d, std::size_t n);
  // The arrays of a Center from vectors x…, y…, z… of `count` neighbours; filled up to a vector past the count.
  void (*unpack)(const Descriptor<T>&, const T* vectors, int count, T* dx, T* dy, T* dz, T* r);
  // DescriptorKernels::forward, faster where pairs of elements have few triples, and its scratch.
  std::size_t (*forwardBytes)(const Descriptor<T>&, int neighbours);
  void (*forward)(const Descriptor<T>&, const Center<T>&, const std::int16_t* position, const std::int16_t* active,
                  int activeCount, T* x, int rows, int row, void* scratch);
  // Bytes of scratch, aligned to 64, for `tangent`.
  std::size_t (*tangentBytes)(const Descriptor<T>&, int neighbours);
  // Derivative of the descriptor as atoms move by direction[atom][4] and vectors D by D·strain ([3][3], or null):
  // writes what DescriptorKernels::forward writes.
  void (*tangent)(const Descriptor<T>&, const Center<T>&, const std::int16_t* position, const std::int16_t* active,
                  int activeCount, const T* direction, const T* strain, T* x, int rows, int row, void* scratch);
};

#define MLTS_DECLARE_TRAINING(isa)                     \
  namespace isa {                                      \
  extern const TrainingKernels<float> singleTraining;  \
  extern const TrainingKernels<double> doubleTraining; \
  }
MLTS_DECLARE_TRAINING(portable)
MLTS_DECLARE_TRAINING(avx2)
MLTS_DECLARE_TRAINING(avx512)
#undef MLTS_DECLARE_TRAINING

}  // namespace mlts
