// Where each parameter of a HIP-NN lies in the flat array of one member, and the member's values from a model.
#pragma once

#include <cstddef>
#include <vector>

#include "../parameters.hpp"
#include "mlts/potential.hpp"

namespace mlts {

// [outputs][inputs] at `weights`, [outputs] at `biases`.
struct AffinePlace {
  int inputs, outputs;
  std::size_t weights, biases;
};

struct HipnnBlockPlace {
  int inputs;
  std::size_t mu, sigma;                      // [sensitivities] Å
  std::size_t interaction;                    // [sensitivities][features][inputs]
  std::size_t vectorScales, quadraticScales;  // [features], where the order has them
  std::size_t adjust;                         // [features][inputs], where hasAdjust
  bool hasAdjust;
  std::vector<AffinePlace> base, residual;  // [1 + atom layers]; base[0] is the interaction's self layer
  AffinePlace head;
};

struct HipnnLayout {
  int order, components, features, sensitivities, elements;  // components: 1, 4 or 9 environments
  double cusp, cutoff, energyScale;
  std::vector<HipnnBlockPlace> blocks;
  ParameterMap map;  // own order: as below, block by block

  explicit HipnnLayout(const HipnnModel& model);
  // [parameters] of one member in the own order.
  std::vector<double> values(const HipnnModel& model, int member) const;
};

}  // namespace mlts
