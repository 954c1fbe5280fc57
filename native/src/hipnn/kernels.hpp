// What the HIP-NN driver (compiled once) and its kernels (compiled once per instruction set) share. T is float or
// double throughout; spec: docs/maths.md, Lubbers et al. doi:10.1063/1.5011181, Chigaev et al. doi:10.1063/5.0142127.
//
// Features are rows of `width` = 16·⌈features/16⌉ values, zero beyond the features. Activations are tile-major as in
// the networks: value(block, row, lane) = x[(block·rows + row)·16 + lane]. An environment e_{c,ν,b} of one component c
// has blocks ν·width/16 + b/16; in the first layer, whose inputs are elements, blocks element·⌈n_ν/16⌉ + ν/16.
// Components: 1; for ℓ = 1 also x, y, z; for ℓ = 2 also xx−⅓, xy, xz, yy−⅓, yz of the unit vector to the neighbour.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../kernels/interface.hpp"

namespace mlts {

constexpr int maxBins = 6;
constexpr int maxComponents = 9;
constexpr int nearCells = 1024;

// Pairs come in bins of distance, the far ones first, so that each bin needs only the sensitivities that are not
// negligible in it. Pairs nearer than the last bin ("near") are few: each has a window of its own.
template <class T>
struct PairBins {
  T cutoff;
  int bins;
  T nearest[maxBins];  // bin q holds r > nearest[q]
};

// s_ν(r) = exp(−½σ_ν²(1/r − 1/μ_ν)²)·φ(r), sorted by 1/μ.
template <class T>
struct Sensitivity {
  int count;
  T cutoff;
  const T* inverseMu;                  // [count + 16], padded with functions that vanish
  const T* exponent;                   // −½σ² log2 e
  const T* slope;                      // σ²
  int first[maxBins], width[maxBins];  // window of each bin
  int nearWidth;
  const std::uint16_t* nearFirst;  // [nearCells] by (1/r − nearLow)·nearScale
  T nearLow, nearScale;
};

// The neighbours of one atom within the cutoff: by bin, near ones last, within a bin by element. Arrays may be read 16
// past the count: there r is the cutoff, and rows exist.
template <class T>
struct Pairs {
  int count, stride, bins, elements;
  const T *r, *ux, *uy, *uz;  // Å; unit vector to the neighbour
  const std::int32_t* row;    // of the neighbour
  const std::uint16_t* end;   // [bins + 1][elements]
  int begin(int bin) const { return bin == 0 ? 0 : end[bin * elements - 1]; }
  int binEnd(int bin) const { return end[(bin + 1) * elements - 1]; }
};

template <class T>
struct PairArrays {
  T* values;  // r, ux, uy, uz, each of the stride that is found: room for 4·(candidates + 32)
  std::int32_t* row;
  std::uint16_t* end;
  T* nearest;   // distance of the nearest neighbour, beyond the cutoff if there is none
  void* spare;  // 5·(candidates + 16) of T
};

// An environment, or its gradient, of one row of a tile: component c starts at e + c·componentStride.
template <class T>
struct TileRow {
  T* e;
  std::size_t componentStride;
  int rows;  // of the tile
};

template <class T>
struct HipnnKernels {
  // Neighbours within the cutoff; rowOf: [atoms of the system]. Returns their number, the stride is
  // pairStride(number); −1 if there are more than 65535.
  int (*pairs)(const Candidates&, const PairBins<T>&, const std::int32_t* rowOf, const PairArrays<T>&);
  // Values that s and ds/dr of an atom's pairs take, see `sensitivities`.
  std::size_t (*sensitivityCount)(const Sensitivity<T>&, const Pairs<T>&);
  // Per bin [width][pairs, rounded up to a vector]; then per near pair [nearWidth, rounded up]. ds may be null.
  void (*sensitivities)(const Sensitivity<T>&, const Pairs<T>&, T* s, T* ds);
  // Adds s·A_c·z of all neighbours. scratch: environmentScratch() values.
  void (*environment)(const Sensitivity<T>&, const Pairs<T>&, int components, const T* s, const T* z, int width,
                      const TileRow<T>& e, T* scratch);
  // The same where the features are elements; writes every block of the elements listed.
  void (*environmentFirst)(const Sensitivity<T>&, const Pairs<T>&, int components, const T* s, const int* elements,
                           int elementCount, const TileRow<T>& e, T* scratch);
  // From ∂E/∂e to ∂E/∂z of the neighbours, added to gz, and the gradient of each pair, added to `gradient`: for ℓ = 0
  // [stride] ∂E/∂r, else [3][stride] ∂E/∂D.
  void (*gradient)(const Sensitivity<T>&, const Pairs<T>&, int components, const T* s, const T* ds, const T* z,
                   int width, const TileRow<T>& e, T* gz, T* gradient, T* scratch);
  void (*gradientFirst)(const Sensitivity<T>&, const Pairs<T>&, int components, const T* s, const T* ds,
                        const int* elements, int elementCount, const TileRow<T>& e, T* gradient, T* scratch);
  // Values of scratch for the four above, for atoms of at most so many pairs.
  std::size_t (*scratchCount)(int pairs, int sensitivities, int elements);
  // forces: [row][4]; virial: [9], W −= D⊗∂E/∂D, or null; virials: [row][9], or null.
  void (*forces)(const Pairs<T>&, int components, const T* gradient, std::int32_t row, T* forces, double* virial,
                 T* virials);

  // On n values, a multiple of 16: y ← ln(1 + e^y), slope ← 1/(1 + e^−y).
  void (*softplus)(T* y, T* slope, std::size_t n);
  void (*multiplyInPlace)(T* y, const T* by, std::size_t n);
  // y: [components][blocks][rows][16]. y_0 += t·√(Σ y_{1..3}² + ε) + q·√(2(Σ y_{4..8}² + y_4 y_7) + ε); factors, laid
  // out like y_{1..}: the derivatives of that by them.
  void (*norms)(T* y, int components, int blocks, int rows, const T* vectorScales, const T* quadraticScales, T cusp,
                T* factors);
  // Every row of a tile gets these blocks·16 values, added to what is there or not.
  void (*fill)(T* y, int blocks, int rows, const T* values, bool add);
  void (*fillRow)(T* y, int blocks, int rows, int row, const T* values);
  // Between tile-major and rows of width blocks·16.
  void (*loadTile)(T* y, int blocks, int rows, const T* z, bool add);
  void (*storeTile)(const T* y, int blocks, int rows, T* z);
  void (*addTileToRows)(const T* y, int blocks, int rows, T* z);
  // energy[row] = Σ y·weights
  void (*dotRows)(const T* y, int blocks, int rows, const T* weights, T* energy);
};

inline int pairStride(int pairs) { return (pairs + 2 * blockWidth - 1) / blockWidth * blockWidth; }

}  // namespace mlts
