// Weights in the order the matrix kernels read them: packed once, when an element first appears in a system.
#pragma once

#include <functional>
#include <vector>

#include "../kernels/interface.hpp"
#include "../runtime/buffer.hpp"
#include "mlts/potential.hpp"

namespace mlts {

// One hidden layer of one member, padded with zeros to multiples of 16 (CELU(0) = 0: padding stays silent).
template <class T>
struct PackedLayer {
  int inputs, outputs;  // padded
  const T* forward;     // [outputs/16][inputs][16]: y = W·x
  const T* backward;    // [inputs/16][outputs][16]: δx = Wᵀ·δy
  const T* bias;        // [outputs]
};

// Without hidden layers the energy is linear in the descriptor.
template <class T>
struct PackedMember {
  std::vector<PackedLayer<T>> hidden;
  const T* outputWeights;  // [last hidden width], or [blocks·16] without hidden layers
  T outputBias;
};

template <class T>
struct PackedElement {
  std::vector<PackedMember<T>> members;
  std::vector<int> widths;  // padded widths of the hidden layers
  double flopsPerColumn;    // of the first layer, forward and backward, per row, column and member
  double flopsInner;        // of the other layers, per row and member
  Buffer<T> storage;
};

// column(block, lane): index in the model's own descriptor, or −1 for padding.
template <class T>
PackedElement<T> packElement(const std::vector<LayerView>& layers, int members, int blocks,
                             const std::function<int(int block, int lane)>& column);

}  // namespace mlts
