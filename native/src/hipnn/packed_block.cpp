#include "packed_block.hpp"

namespace mlts {
namespace {

constexpr int padded(int n) { return (n + blockWidth - 1) / blockWidth * blockWidth; }

// entry(i, o): weight from input i to output o, both padded.
template <class T, class Entry>
PackedLinear<T> pack(int inputs, int outputs, Entry entry) {
  PackedLinear<T> packed;
  const std::size_t size = static_cast<std::size_t>(inputs) * outputs;
  T* p = packed.forward.reserve(size);
  for (int group = 0; group < outputs; group += blockWidth)
    for (int i = 0; i < inputs; i++)
      for (int lane = 0; lane < blockWidth; lane++) *p++ = entry(i, group + lane);
  p = packed.backward.reserve(size);
  for (int group = 0; group < inputs; group += blockWidth)
    for (int o = 0; o < outputs; o++)
      for (int lane = 0; lane < blockWidth; lane++) *p++ = entry(group + lane, o);
  return packed;
}

template <class T>
Buffer<T> vector(const float* values, int n, int length) {
  Buffer<T> packed;
  T* p = packed.reserve(length);
  for (int i = 0; i < length; i++) p[i] = i < n && values ? T(values[i]) : T(0);
  return packed;
}

template <class T>
PackedLinear<T> packLayer(const LayerView& layer, int member) {
  const int in = layer.inputs, out = layer.outputs;
  const float* weights = layer.weights + static_cast<std::size_t>(member) * out * in;
  PackedLinear<T> packed = pack<T>(padded(in), padded(out), [&](int i, int o) {
    return i < in && o < out ? T(weights[static_cast<std::size_t>(o) * in + i]) : T(0);
  });
  packed.bias = vector<T>(layer.biases + static_cast<std::size_t>(member) * out, out, padded(out));
  return packed;
}

}  // namespace

template <class T>
PackedBlock<T> packBlock(const HipnnModel& model, int member, int index, const std::vector<int>& order) {
  const HipnnBlock& block = model.blocks[index];
  const int features = model.features, width = padded(features), functions = model.sensitivities;
  const int inputs = block.inputs, elements = static_cast<int>(model.elements.size());
  const std::size_t m = member;
  const float* interaction = block.interaction + m * functions * features * inputs;
  const float* self = block.self.weights + m * features * inputs;
  const float* selfBias = block.self.biases + m * features;
  const auto weight = [&](int function, int output, int input) {
    return T(interaction[(static_cast<std::size_t>(order[function]) * features + output) * inputs + input]);
  };

  PackedBlock<T> packed;
  packed.residual = packLayer<T>(block.residual, member);
  if (index == 0) {
    const int rows = padded(functions);
    packed.selfBlocks = 0;
    packed.environmentBlocks = elements * rows / blockWidth;
    packed.interaction = pack<T>(elements * rows, width, [&](int i, int o) {
      return i % rows < functions && o < features ? weight(i % rows, o, i / rows) : T(0);
    });
    T* ofSelf = packed.selfOfElement.reserve(static_cast<std::size_t>(elements) * width);
    T* adjusted = packed.adjustOfElement.reserve(static_cast<std::size_t>(elements) * width);
    const float* adjust = block.adjust ? block.adjust + m * features * inputs : nullptr;
    for (int e = 0; e < elements; e++) {
      for (int o = 0; o < width; o++) {
        const bool real = o < features;
        const T identity = T(o == e);
        *ofSelf++ = real ? T(self[o * inputs + e]) + T(selfBias[o]) : T(0);
        *adjusted++ = real ? (adjust ? T(adjust[o * inputs + e]) : identity) + packed.residual.bias[o] : T(0);
      }
    }
  } else {
    packed.selfBlocks = width / blockWidth;
    packed.environmentBlocks = functions * width / blockWidth;
    packed.interaction = pack<T>((1 + functions) * width, width, [&](int i, int o) -> T {
      const int input = i % width, function = i / width - 1;
      if (input >= features || o >= features) return 0;
      return function < 0 ? T(self[static_cast<std::size_t>(o) * inputs + input]) : weight(function, o, input);
    });
  }
  packed.interaction.bias = vector<T>(selfBias, features, width);
  if (model.order >= 1) packed.vectorScales = vector<T>(block.vectorScales + m * features, features, width);
  if (model.order >= 2) packed.quadraticScales = vector<T>(block.quadraticScales + m * features, features, width);
  for (const auto& layer : block.atomLayers)
    packed.atomLayers.push_back({packLayer<T>(layer.base, member), packLayer<T>(layer.residual, member)});
  const LayerView& head = model.heads[index];
  packed.head = vector<T>(head.weights + m * features, features, width);
  packed.headBias = T(head.biases[member]);
  return packed;
}

template <class T>
std::size_t PackedBlock<T>::bytes() const {
  std::size_t total = interaction.bytes() + selfOfElement.bytes() + adjustOfElement.bytes() + vectorScales.bytes() +
                      quadraticScales.bytes() + residual.bytes() + head.bytes();
  for (const auto& layer : atomLayers) total += layer.base.bytes() + layer.residual.bytes();
  return total;
}

template struct PackedBlock<float>;
template struct PackedBlock<double>;
template PackedBlock<float> packBlock(const HipnnModel&, int, int, const std::vector<int>&);
template PackedBlock<double> packBlock(const HipnnModel&, int, int, const std::vector<int>&);

}  // namespace mlts
