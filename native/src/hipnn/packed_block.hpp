// Weights of one interaction block of one member, in the order the matrix kernels read them.
#pragma once

#include <vector>

#include "../runtime/buffer.hpp"
#include "kernels.hpp"
#include "mlts/potential.hpp"

namespace mlts {

// y = W·x + b, padded with zeros to multiples of 16.
template <class T>
struct PackedLinear {
  Buffer<T> forward;   // [outputs/16][inputs][16]
  Buffer<T> backward;  // [inputs/16][outputs][16]
  Buffer<T> bias;      // [outputs]
  std::size_t bytes() const { return forward.bytes() + backward.bytes() + bias.bytes(); }
};

template <class T>
struct PackedBlock {
  // The inputs of the interaction: z itself (not in the first block, where it is an element), then its environment.
  int selfBlocks, environmentBlocks;
  PackedLinear<T> interaction;
  Buffer<T> selfOfElement;                  // first block: [elements][width], self-interaction and its bias
  Buffer<T> adjustOfElement;                // first block: [elements][width], adjusted input and the residual's bias
  Buffer<T> vectorScales, quadraticScales;  // [width]
  PackedLinear<T> residual;
  struct AtomLayer {
    PackedLinear<T> base, residual;
  };
  std::vector<AtomLayer> atomLayers;
  Buffer<T> head;  // [width]
  T headBias;

  std::size_t bytes() const;
};

// order: of the sensitivity functions, see Windows.
template <class T>
PackedBlock<T> packBlock(const HipnnModel& model, int member, int block, const std::vector<int>& order);

}  // namespace mlts
