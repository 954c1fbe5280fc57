#include "parameters.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace mlts {
namespace {

constexpr int padded(int n) { return (n + blockWidth - 1) / blockWidth * blockWidth; }

// What a saved state begins with.
struct StateHeader {
  char magic[8] = {'m', 'l', 't', 's', 'o', 'p', 't', '1'};
  std::uint32_t bytesPerNumber = 0, members = 0;
  std::uint64_t size = 0, parameters = 0;
};
struct MemberHeader {
  std::int64_t steps;
  std::uint64_t averaged;
};

template <class T>
void clear(Buffer<T>& buffer, std::size_t n) {
  std::fill_n(buffer.reserve(n), n, T(0));
}

}  // namespace

ParameterLayout::ParameterLayout(const AniModel& model, int blocks, const std::function<int(int, int)>& column) {
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
      LayerShape shape{l == 0 ? blocks * blockWidth : padded(layer.inputs), last ? 1 : padded(layer.outputs), size, 0,
                       last};
      size += static_cast<std::size_t>(shape.inputs) * shape.outputs;
      shape.biases = size;
      size += padded(shape.outputs);
      for (int o = 0; o < layer.outputs; o++)
        for (int i = 0; i < layer.inputs; i++) {
          const int k = l == 0 ? columnOf[i] : i;
          const std::size_t at =
              last ? k : (static_cast<std::size_t>(k / blockWidth) * shape.outputs + o) * blockWidth + k % blockWidth;
          place.push_back(static_cast<std::uint32_t>(shape.weights + at));
        }
      for (int o = 0; o < layer.outputs; o++) place.push_back(static_cast<std::uint32_t>(shape.biases + o));
      shapes.push_back(shape);
    }
    elements.push_back(std::move(shapes));
  }
}

template <class T>
Parameters<T>::Parameters(const AniModel& model, ParameterLayout layout, const TrainingKernels<T>& kernels,
                          ThreadPool& pool)
    : layout_(std::move(layout)), kernels_(kernels), pool_(pool), members_(model.members) {
  for (int m = 0; m < model.members; m++) {
    MemberParameters<T>& member = members_[m];
    for (Buffer<T>* buffer : {&member.value, &member.m, &member.v, &member.forward}) clear(*buffer, layout_.size);
    std::size_t p = 0;
    for (const auto& layers : model.networks) {
      for (const LayerView& layer : layers) {
        const std::size_t count = static_cast<std::size_t>(layer.outputs) * layer.inputs;
        for (std::size_t i = 0; i < count; i++) member.value[layout_.place[p++]] = layer.weights[m * count + i];
        for (int o = 0; o < layer.outputs; o++)
          member.value[layout_.place[p++]] = layer.biases[static_cast<std::size_t>(m) * layer.outputs + o];
      }
    }
  }
  transpose();
}

template <class T>
template <class F>
void Parameters<T>::forEachRun(F f) const {
  for (const auto& layers : layout_.elements) {
    for (std::size_t l = 0; l < layers.size(); l++) {
      const LayerShape& shape = layers[l];
      f(shape.weights, static_cast<std::size_t>(shape.inputs) * shape.outputs, l, true);
      f(shape.biases, static_cast<std::size_t>(padded(shape.outputs)), l, false);
    }
  }
}

template <class T>
void Parameters<T>::transpose() {
  struct Task {
    int member;
    const LayerShape* shape;
  };
  std::vector<Task> tasks;
  for (int m = 0; m < members(); m++)
    for (const auto& layers : layout_.elements)
      for (const LayerShape& shape : layers)
        if (!shape.last) tasks.push_back({m, &shape});
  pool_.forEach(tasks.size(), 1, [&](std::size_t i, int) {
    MemberParameters<T>& member = members_[tasks[i].member];
    const LayerShape& shape = *tasks[i].shape;
    kernels_.transpose(member.value.data() + shape.weights, shape.outputs, shape.inputs,
                       member.forward.data() + shape.weights);
  });
}

template <class T>
void Parameters<T>::swapAverages() {
  for (auto& member : members_)
    if (member.averaged) std::swap(member.value, member.average);
  transpose();
}

template <class T>
void Parameters<T>::reserveGradients() {
  for (auto& member : members_) {
    if (!member.gradient.empty()) continue;
    member.gradient.resize(pool_.threads());
    for (auto& part : member.gradient) clear(part, layout_.size);
  }
}

template <class T>
double Parameters<T>::gatherGradient(int m, const OptimiserSettings& settings) {
  std::vector<T*> parts(members_[m].gradient.size());
  double squares = 0;
  forEachRun([&](std::size_t offset, std::size_t n, std::size_t layer, bool) {
    for (std::size_t p = 0; p < parts.size(); p++) parts[p] = members_[m].gradient[p].data() + offset;
    const double run = kernels_.gather(parts.data(), static_cast<int>(parts.size()), n);
    if (layer >= settings.layers.size() || !settings.layers[layer].frozen) squares += run;
  });
  return std::sqrt(squares);
}

template <class T>
void Parameters<T>::step(int m, const OptimiserSettings& settings, double gradientNorm) {
  MemberParameters<T>& member = members_[m];
  if (settings.averageDecay && !member.averaged) {
    std::copy_n(member.value.data(), layout_.size, member.average.reserve(layout_.size));
    member.averaged = true;
  }
  member.steps++;
  const double t = static_cast<double>(member.steps);
  const double rate = settings.learningRate[m];
  forEachRun([&](std::size_t offset, std::size_t n, std::size_t layer, bool weights) {
    const LayerSettings own = layer < settings.layers.size() ? settings.layers[layer] : LayerSettings{};
    if (own.frozen) return;
    const double eta = rate * own.learningRate, decay = weights ? own.decay : 0;
    const AdamStep<T> step{T(settings.beta1),
                           T(settings.beta2),
                           T(settings.epsilon),
                           T(eta / (1 - std::pow(settings.beta1, t))),
                           T(1 / std::sqrt(1 - std::pow(settings.beta2, t))),
                           T(std::min(1.0, settings.clipNorm / gradientNorm)),
                           T(settings.decoupledDecay ? 1 - eta * decay : 1),
                           T(settings.decoupledDecay ? 0 : decay)};
    kernels_.adam(step, member.gradient[0].data() + offset, member.value.data() + offset, member.m.data() + offset,
                  member.v.data() + offset, n);
  });
  if (settings.averageDecay)
    kernels_.average(member.average.data(), member.value.data(), T(*settings.averageDecay), layout_.size);
}

template <class T>
void Parameters<T>::values(Weights which, double* out) const {
  for (const auto& member : members_) {
    const T* from = which == Weights::average && member.averaged ? member.average.data() : member.value.data();
    for (const std::uint32_t at : layout_.place) *out++ = from[at];
  }
}

template <class T>
void Parameters<T>::setValues(const double* values) {
  for (auto& member : members_)
    for (const std::uint32_t at : layout_.place) member.value[at] = static_cast<T>(*values++);
  transpose();
}

template <class T>
void Parameters<T>::copyGradients(int m, double* out) const {
  const T* gradient = members_[m].gradient[0].data();
  for (const std::uint32_t at : layout_.place) *out++ = gradient[at];
}

template <class T>
std::vector<std::uint8_t> Parameters<T>::state() const {
  StateHeader header;
  header.bytesPerNumber = sizeof(T);
  header.members = static_cast<std::uint32_t>(members_.size());
  header.size = layout_.size;
  header.parameters = layout_.place.size();
  std::vector<std::uint8_t> out;
  const auto put = [&](const void* from, std::size_t n) {
    out.resize(out.size() + n);
    std::memcpy(out.data() + out.size() - n, from, n);
  };
  put(&header, sizeof header);
  for (const auto& member : members_) {
    const MemberHeader own{member.steps, member.averaged};
    put(&own, sizeof own);
    for (const Buffer<T>* buffer : {&member.value, &member.m, &member.v}) put(buffer->data(), layout_.size * sizeof(T));
    if (member.averaged) put(member.average.data(), layout_.size * sizeof(T));
  }
  return out;
}

template <class T>
void Parameters<T>::restore(const std::uint8_t* bytes, std::size_t size) {
  const auto refuse = [] {
    throw Error("E_SHAPE", "this is not the state of a trainer with these networks, members and precision",
                "Resume with the configuration that the run was started with.");
  };
  StateHeader expected, header;
  if (size < sizeof header) refuse();
  std::memcpy(&header, bytes, sizeof header);
  expected.bytesPerNumber = sizeof(T);
  expected.members = static_cast<std::uint32_t>(members_.size());
  expected.size = layout_.size;
  expected.parameters = layout_.place.size();
  if (std::memcmp(&header, &expected, sizeof header) != 0) refuse();
  // The whole is measured before anything is replaced.
  const std::size_t array = layout_.size * sizeof(T);
  std::size_t at = sizeof header;
  std::vector<MemberHeader> own(members_.size());
  for (auto& member : own) {
    if (size - at < sizeof member) refuse();
    std::memcpy(&member, bytes + at, sizeof member);
    const std::size_t rest = (member.averaged ? 4 : 3) * array;
    at += sizeof member;
    if (size - at < rest) refuse();
    at += rest;
  }
  if (at != size) refuse();
  at = sizeof header;
  for (std::size_t m = 0; m < members_.size(); m++) {
    MemberParameters<T>& member = members_[m];
    at += sizeof(MemberHeader);
    member.steps = own[m].steps;
    member.averaged = own[m].averaged != 0;
    std::vector<Buffer<T>*> buffers{&member.value, &member.m, &member.v};
    if (member.averaged) buffers.push_back(&member.average);
    for (Buffer<T>* buffer : buffers) {
      std::memcpy(buffer->reserve(layout_.size), bytes + at, array);
      at += array;
    }
  }
  transpose();
}

template class Parameters<float>;
template class Parameters<double>;

}  // namespace mlts
