#include "packed_networks.hpp"

#include <algorithm>

namespace mlts {
namespace {

constexpr int padded(int n) { return (n + blockWidth - 1) / blockWidth * blockWidth; }

// Packs a [rows × columns] matrix, given by its entries, as [columns/16][rows][16].
template <class T, class Entry>
void pack(T* out, int rows, int columns, Entry entry) {
  for (int group = 0; group < columns / blockWidth; group++)
    for (int row = 0; row < rows; row++)
      for (int lane = 0; lane < blockWidth; lane++) *out++ = entry(row, group * blockWidth + lane);
}

}  // namespace

template <class T>
PackedElement<T> packElement(const std::vector<LayerView>& layers, int members, int blocks,
                             const std::function<int(int, int)>& column) {
  PackedElement<T> element;
  const int hidden = static_cast<int>(layers.size()) - 1;
  std::vector<int> sourceColumn(static_cast<std::size_t>(blocks) * blockWidth);
  for (std::size_t i = 0; i < sourceColumn.size(); i++)
    sourceColumn[i] = column(static_cast<int>(i) / blockWidth, static_cast<int>(i) % blockWidth);

  std::size_t perMember = 0;
  element.flopsInner = 0;
  for (int l = 0; l < hidden; l++) {
    const std::size_t in = l == 0 ? sourceColumn.size() : padded(layers[l].inputs);
    const std::size_t out = padded(layers[l].outputs);
    element.widths.push_back(static_cast<int>(out));
    perMember += 2 * in * out + out;
    if (l > 0) element.flopsInner += 4.0 * layers[l].inputs * layers[l].outputs;
  }
  element.flopsPerColumn = 4.0 * layers[0].outputs;
  const int lastWidth = hidden > 0 ? element.widths.back() : static_cast<int>(sourceColumn.size());
  perMember += lastWidth;
  T* p = element.storage.reserve(perMember * members);

  for (int m = 0; m < members; m++) {
    PackedMember<T> member;
    for (int l = 0; l < hidden; l++) {
      const LayerView& layer = layers[l];
      const int in = l == 0 ? static_cast<int>(sourceColumn.size()) : padded(layer.inputs);
      const int out = padded(layer.outputs);
      const float* weights = layer.weights + static_cast<std::size_t>(m) * layer.outputs * layer.inputs;
      const float* biases = layer.biases + static_cast<std::size_t>(m) * layer.outputs;
      const auto weight = [&](int i, int o) -> T {
        const int source = l == 0 ? sourceColumn[i] : (i < layer.inputs ? i : -1);
        return source < 0 || o >= layer.outputs ? T(0)
                                                : T(weights[static_cast<std::size_t>(o) * layer.inputs + source]);
      };
      PackedLayer<T> packed{in, out, p, nullptr, nullptr};
      pack(p, in, out, weight);
      p += static_cast<std::size_t>(in) * out;
      packed.backward = p;
      pack(p, out, in, [&](int o, int i) { return weight(i, o); });
      p += static_cast<std::size_t>(in) * out;
      packed.bias = p;
      for (int o = 0; o < out; o++) *p++ = o < layer.outputs ? T(biases[o]) : T(0);
      member.hidden.push_back(packed);
    }
    const LayerView& last = layers.back();
    member.outputWeights = p;
    const float* weights = last.weights + static_cast<std::size_t>(m) * last.inputs;
    for (int i = 0; i < lastWidth; i++) {
      const int source = hidden == 0 ? sourceColumn[i] : (i < last.inputs ? i : -1);
      *p++ = source < 0 ? T(0) : T(weights[source]);
    }
    member.outputBias = T(last.biases[m]);
    element.members.push_back(std::move(member));
  }
  return element;
}

template PackedElement<float> packElement(const std::vector<LayerView>&, int, int, const std::function<int(int, int)>&);
template PackedElement<double> packElement(const std::vector<LayerView>&, int, int,
                                           const std::function<int(int, int)>&);

}  // namespace mlts
