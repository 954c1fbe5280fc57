#include "hipnn_layout.hpp"

#include <algorithm>

namespace mlts {

HipnnLayout::HipnnLayout(const HipnnModel& model)
    : order(model.order),
      components(model.order == 0   ? 1
                 : model.order == 1 ? 4
                                    : 9),
      features(model.features),
      sensitivities(model.sensitivities),
      elements(static_cast<int>(model.elements.size())),
      cusp(model.cusp),
      cutoff(model.cutoff),
      energyScale(model.energyScale) {
  const auto take = [this](std::size_t count) {
    const std::size_t at = size;
    size += count;
    return at;
  };
  const auto affine = [&](const LayerView& layer) {
    AffinePlace place{layer.inputs, layer.outputs, 0, 0};
    place.weights = take(static_cast<std::size_t>(layer.inputs) * layer.outputs);
    place.biases = take(layer.outputs);
    return place;
  };
  for (std::size_t b = 0; b < model.blocks.size(); b++) {
    const HipnnBlock& block = model.blocks[b];
    HipnnBlockPlace place{};
    place.inputs = block.inputs;
    place.mu = take(sensitivities);
    place.sigma = take(sensitivities);
    place.interaction = take(static_cast<std::size_t>(sensitivities) * features * block.inputs);
    place.base.push_back(affine(block.self));
    if (order >= 1) place.vectorScales = take(features);
    if (order >= 2) place.quadraticScales = take(features);
    place.residual.push_back(affine(block.residual));
    place.hasAdjust = block.adjust != nullptr;
    if (place.hasAdjust) place.adjust = take(static_cast<std::size_t>(features) * block.inputs);
    for (const auto& layer : block.atomLayers) {
      place.base.push_back(affine(layer.base));
      place.residual.push_back(affine(layer.residual));
    }
    place.head = affine(model.heads[b]);
    blocks.push_back(std::move(place));
  }
}

std::vector<double> HipnnLayout::values(const HipnnModel& model, int member) const {
  std::vector<double> out(size);
  const auto put = [&](std::size_t at, const float* from, std::size_t count) {
    std::copy_n(from + member * count, count, out.begin() + static_cast<std::ptrdiff_t>(at));
  };
  const auto affine = [&](const AffinePlace& place, const LayerView& layer) {
    put(place.weights, layer.weights, static_cast<std::size_t>(place.inputs) * place.outputs);
    put(place.biases, layer.biases, place.outputs);
  };
  for (std::size_t b = 0; b < blocks.size(); b++) {
    const HipnnBlock& block = model.blocks[b];
    const HipnnBlockPlace& place = blocks[b];
    const std::size_t matrix = static_cast<std::size_t>(features) * place.inputs;
    put(place.mu, block.mu, sensitivities);
    put(place.sigma, block.sigma, sensitivities);
    put(place.interaction, block.interaction, sensitivities * matrix);
    affine(place.base[0], block.self);
    if (order >= 1) put(place.vectorScales, block.vectorScales, features);
    if (order >= 2) put(place.quadraticScales, block.quadraticScales, features);
    affine(place.residual[0], block.residual);
    if (place.hasAdjust) put(place.adjust, block.adjust, matrix);
    for (std::size_t l = 0; l < block.atomLayers.size(); l++) {
      affine(place.base[l + 1], block.atomLayers[l].base);
      affine(place.residual[l + 1], block.atomLayers[l].residual);
    }
    affine(place.head, model.heads[b]);
  }
  return out;
}

}  // namespace mlts
