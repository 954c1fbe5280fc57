#include "arguments.hpp"

namespace mlts::bridge {

AniModel aniModel(const Napi::Object& source) {
  AniModel model;
  const auto number = [](const Napi::Object& object, const char* key) {
    return object.Get(key).ToNumber().DoubleValue();
  };
  const auto descriptor = source.Get("descriptor").ToObject();
  const auto radial = descriptor.Get("radial").ToObject();
  const auto angular = descriptor.Get("angular").ToObject();
  const auto elements = source.Get("elements").As<Napi::Array>();
  for (std::uint32_t i = 0; i < elements.Length(); i++)
    model.elements.push_back(elements.Get(i).ToNumber().Int32Value());
  model.members = source.Get("members").ToNumber().Int32Value();
  model.minDistance = number(source, "minDistance");
  model.smoothCutoff = descriptor.Get("cutoffFunction").ToString().Utf8Value() == "smooth";
  model.radialCutoff = number(radial, "cutoff");
  model.etaR = number(radial, "eta");
  model.shiftsR = doubles(radial.Get("shifts"), "radial.shifts");
  model.angularCutoff = number(angular, "cutoff");
  model.etaA = number(angular, "eta");
  model.zeta = number(angular, "zeta");
  model.shiftsA = doubles(angular.Get("shifts"), "angular.shifts");
  model.sections = doubles(angular.Get("sections"), "angular.sections");
  model.celuAlpha = number(source, "celuAlpha");
  model.energyScale = number(source, "energyScale");
  model.selfEnergies = doubles(source.Get("selfEnergies"), "selfEnergies");
  const auto networks = source.Get("networks").As<Napi::Array>();
  for (std::uint32_t e = 0; e < networks.Length(); e++) {
    const auto layers = networks.Get(e).ToObject().Get("layers").As<Napi::Array>();
    std::vector<LayerView> views;
    for (std::uint32_t l = 0; l < layers.Length(); l++) {
      const auto layer = layers.Get(l).ToObject();
      LayerView view{layer.Get("inputs").ToNumber().Int32Value(), layer.Get("outputs").ToNumber().Int32Value(), nullptr,
                     nullptr};
      const std::size_t biases = static_cast<std::size_t>(model.members) * view.outputs;
      view.weights = data<float>(layer.Get("weights"), "weights", biases * view.inputs);
      view.biases = data<float>(layer.Get("biases"), "biases", biases);
      views.push_back(view);
    }
    model.networks.push_back(std::move(views));
  }
  return model;
}

Napi::Object errorObject(Napi::Env env, const Error& error) {
  auto object = Napi::Object::New(env);
  object.Set("code", error.code);
  object.Set("what", error.detail);
  object.Set("remedy", error.remedy);
  if (error.atom >= 0) object.Set("atom", error.atom);
  return object;
}

void throwError(Napi::Env env, const Error& error) {
  auto thrown = Napi::Error::New(env, error.what());
  const auto fields = errorObject(env, error);
  for (const char* key : {"code", "what", "remedy"}) thrown.Value().Set(key, fields.Get(key));
  throw thrown;
}

}  // namespace mlts::bridge
