#include "ani_layout.hpp"

namespace mlts {
namespace {

constexpr int padded(int n) { return (n + blockWidth - 1) / blockWidth * blockWidth; }

}  // namespace

AniLayout::AniLayout(const AniModel& model, int blocks, const std::function<int(int, int)>& column) {
  std::vector<int> columnOf(model.networks.empty() ? 0 : model.networks[0][0].inputs, 0);
  for (int i = 0; i < blocks * blockWidth; i++) {
    const int own = column(i / blockWidth, i % blockWidth);
    if (own >= 0) columnOf.at(own) = i;
  }
  for (const auto& layers : model.networks) {
    if (layers.size() < 2)
      throw Error("E_MODEL", "a network without hidden layers cannot be trained", "Give every element hidden layers.");
    std::vector<LayerShape> shapes;
    for (std::size_t l = 0; l < layers.size(); l++) {
      const LayerView& layer = layers[l];
      const bool last = l + 1 == layers.size();
      LayerShape shape{l == 0 ? blocks * blockWidth : padded(layer.inputs), last ? 1 : padded(layer.outputs), map.size,
                       0, last};
      const std::size_t count = static_cast<std::size_t>(shape.inputs) * shape.outputs;
      shape.biases = map.size + count;
      map.runs.push_back({shape.weights, count, static_cast<int>(l), true});
      map.runs.push_back({shape.biases, static_cast<std::size_t>(padded(shape.outputs)), static_cast<int>(l), false});
      map.size = shape.biases + padded(shape.outputs);
      for (int o = 0; o < layer.outputs; o++)
        for (int i = 0; i < layer.inputs; i++) {
          const int k = l == 0 ? columnOf[i] : i;
          const std::size_t at =
              last ? k : (static_cast<std::size_t>(k / blockWidth) * shape.outputs + o) * blockWidth + k % blockWidth;
          map.place.push_back(static_cast<std::uint32_t>(shape.weights + at));
        }
      for (int o = 0; o < layer.outputs; o++) map.place.push_back(static_cast<std::uint32_t>(shape.biases + o));
      shapes.push_back(shape);
    }
    elements.push_back(std::move(shapes));
  }
}

std::vector<double> valuesOf(const AniModel& model) {
  std::vector<double> values;
  for (int m = 0; m < model.members; m++) {
    for (const auto& layers : model.networks) {
      for (const LayerView& layer : layers) {
        const std::size_t count = static_cast<std::size_t>(layer.outputs) * layer.inputs;
        values.insert(values.end(), layer.weights + m * count, layer.weights + (m + 1) * count);
        values.insert(values.end(), layer.biases + static_cast<std::size_t>(m) * layer.outputs,
                      layer.biases + static_cast<std::size_t>(m + 1) * layer.outputs);
      }
    }
  }
  return values;
}

}  // namespace mlts
