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
  int layer = 0;
  const auto take = [&](std::size_t count, bool weights) {
    const std::size_t at = map.size, padded = (count + blockWidth - 1) / blockWidth * blockWidth;
    map.runs.push_back({at, padded, layer, weights});
    for (std::size_t i = 0; i < count; i++) map.place.push_back(static_cast<std::uint32_t>(at + i));
    map.size += padded;
    return at;
  };
  const auto affine = [&](const LayerView& view, bool decays = true) {
    AffinePlace place{view.inputs, view.outputs, 0, 0};
    place.weights = take(static_cast<std::size_t>(view.inputs) * view.outputs, decays);
    place.biases = take(view.outputs, false);
    return place;
  };
  for (std::size_t b = 0; b < model.blocks.size(); b++) {
    const HipnnBlock& block = model.blocks[b];
    HipnnBlockPlace place{};
    place.inputs = block.inputs;
    place.mu = take(sensitivities, false);
    place.sigma = take(sensitivities, false);
    place.interaction = take(static_cast<std::size_t>(sensitivities) * features * block.inputs, true);
    place.base.push_back(affine(block.self));
    if (order >= 1) place.vectorScales = take(features, false);
    if (order >= 2) place.quadraticScales = take(features, false);
    place.residual.push_back(affine(block.residual));
    place.hasAdjust = block.adjust != nullptr;
    if (place.hasAdjust) place.adjust = take(static_cast<std::size_t>(features) * block.inputs, true);
    for (const auto& atom : block.atomLayers) {
      layer++;
      place.base.push_back(affine(atom.base));
      place.residual.push_back(affine(atom.residual));
    }
    place.head = affine(model.heads[b], false);
    layer++;
    blocks.push_back(std::move(place));
  }
}

std::vector<double> HipnnLayout::values(const HipnnModel& model, int member) const {
  std::vector<double> out;
  const auto put = [&](const float* from, std::size_t count) {
    out.insert(out.end(), from + member * count, from + (member + 1) * count);
  };
  const auto affine = [&](const LayerView& layer) {
    put(layer.weights, static_cast<std::size_t>(layer.inputs) * layer.outputs);
    put(layer.biases, layer.outputs);
  };
  for (std::size_t b = 0; b < blocks.size(); b++) {
    const HipnnBlock& block = model.blocks[b];
    const std::size_t matrix = static_cast<std::size_t>(features) * block.inputs;
    put(block.mu, sensitivities);
    put(block.sigma, sensitivities);
    put(block.interaction, sensitivities * matrix);
    affine(block.self);
    if (order >= 1) put(block.vectorScales, features);
    if (order >= 2) put(block.quadraticScales, features);
    affine(block.residual);
    if (block.adjust) put(block.adjust, matrix);
    for (const auto& atom : block.atomLayers) {
      affine(atom.base);
      affine(atom.residual);
    }
    affine(model.heads[b]);
  }
  return out;
}

}  // namespace mlts
