// Where the weights and biases of one ANI member lie: per element and layer the weights as [inputs/16][outputs][16],
// then the biases; widths padded to multiples of 16, the first layer's inputs being the blocks of the descriptor.
#pragma once

#include "parameters.hpp"

namespace mlts {

struct LayerShape {
  int inputs, outputs;          // padded; the output layer's only output is not
  std::size_t weights, biases;  // offsets
  bool last;
};

struct AniLayout {
  std::vector<std::vector<LayerShape>> elements;  // [element][layer]
  ParameterMap map;  // own order: element, layer, weights [outputs][inputs], biases [outputs]

  // column(block, lane): index in the model's own descriptor, or −1 for padding. Throws E_MODEL without hidden layers.
  AniLayout(const AniModel& model, int blocks, const std::function<int(int block, int lane)>& column);
};

// [members][parameters] in the model's own order.
std::vector<double> valuesOf(const AniModel& model);

}  // namespace mlts
