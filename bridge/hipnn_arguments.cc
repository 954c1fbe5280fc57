#include "arguments.hpp"

namespace mlts::bridge {
namespace {

// {weights, biases} of a layer of known shape, all members.
LayerView layer(const Napi::Object& source, int members, int inputs, int outputs) {
  const std::size_t biases = static_cast<std::size_t>(members) * outputs;
  return {inputs, outputs, data<float>(source.Get("weights"), "weights", biases * inputs),
          data<float>(source.Get("biases"), "biases", biases)};
}

HipnnBlock block(const Napi::Object& source, const HipnnModel& model) {
  const int members = model.members, features = model.features;
  const std::size_t functions = static_cast<std::size_t>(members) * model.sensitivities;
  const std::size_t perFeature = static_cast<std::size_t>(members) * features;
  HipnnBlock block{};
  block.inputs = source.Get("inputs").ToNumber().Int32Value();
  block.mu = data<float>(source.Get("mu"), "mu", functions);
  block.sigma = data<float>(source.Get("sigma"), "sigma", functions);
  block.interaction = data<float>(source.Get("interaction"), "interaction", functions * features * block.inputs);
  block.self = layer(source.Get("self").ToObject(), members, block.inputs, features);
  block.residual = layer(source.Get("residual").ToObject(), members, features, features);
  if (model.order >= 1) block.vectorScales = data<float>(source.Get("vectorScales"), "vectorScales", perFeature);
  if (model.order >= 2)
    block.quadraticScales = data<float>(source.Get("quadraticScales"), "quadraticScales", perFeature);
  block.adjust = optionalData<float>(source, "adjust", perFeature * block.inputs);
  const auto layers = source.Get("atomLayers").As<Napi::Array>();
  for (std::uint32_t l = 0; l < layers.Length(); l++) {
    const auto atom = layers.Get(l).ToObject();
    block.atomLayers.push_back({layer(atom, members, features, features),
                                layer(atom.Get("residual").ToObject(), members, features, features)});
  }
  return block;
}

}  // namespace

HipnnModel hipnnModel(const Napi::Object& source) {
  const auto number = [&](const char* key) { return source.Get(key).ToNumber(); };
  HipnnModel model;
  const auto elements = source.Get("elements").As<Napi::Array>();
  for (std::uint32_t i = 0; i < elements.Length(); i++)
    model.elements.push_back(elements.Get(i).ToNumber().Int32Value());
  model.members = number("members").Int32Value();
  model.minDistance = number("minDistance").DoubleValue();
  model.order = number("order").Int32Value();
  model.cusp = number("cusp").DoubleValue();
  model.features = number("features").Int32Value();
  model.sensitivities = number("sensitivities").Int32Value();
  model.cutoff = number("cutoff").DoubleValue();
  model.energyScale = number("energyScale").DoubleValue();
  model.selfEnergies = doubles(source.Get("selfEnergies"), "selfEnergies");
  const auto blocks = source.Get("blocks").As<Napi::Array>();
  const auto heads = source.Get("heads").As<Napi::Array>();
  for (std::uint32_t b = 0; b < blocks.Length(); b++) {
    model.blocks.push_back(block(blocks.Get(b).ToObject(), model));
    model.heads.push_back(layer(heads.Get(b).ToObject(), model.members, model.features, 1));
  }
  return model;
}

}  // namespace mlts::bridge
