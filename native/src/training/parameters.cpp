#include "parameters.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace mlts {
namespace {

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

LayerSettings layerOf(const OptimiserSettings& settings, const ParameterRun& run) {
  const auto layer = static_cast<std::size_t>(run.layer);
  return layer < settings.layers.size() ? settings.layers[layer] : LayerSettings{};
}

}  // namespace

template <class T>
Parameters<T>::Parameters(ParameterMap map, int members, const std::vector<double>& values,
                          const TrainingKernels<T>& kernels, ThreadPool& pool)
    : map_(std::move(map)), kernels_(kernels), pool_(pool), members_(members) {
  for (auto& member : members_)
    for (Buffer<T>* buffer : {&member.value, &member.m, &member.v}) clear(*buffer, map_.size);
  setValues(values.data());
}

template <class T>
void Parameters<T>::onChange(std::function<void()> derive) {
  derive_ = std::move(derive);
  changed();
}

template <class T>
void Parameters<T>::swapAverages() {
  for (auto& member : members_)
    if (member.averaged) std::swap(member.value, member.average);
  changed();
}

template <class T>
void Parameters<T>::reserveGradients() {
  for (auto& member : members_) {
    if (!member.gradient.empty()) continue;
    member.gradient.resize(pool_.threads());
    for (auto& part : member.gradient) clear(part, map_.size);
  }
}

template <class T>
double Parameters<T>::gatherGradient(int m, const OptimiserSettings& settings) {
  std::vector<T*> parts(members_[m].gradient.size());
  double squares = 0;
  for (const ParameterRun& run : map_.runs) {
    for (std::size_t p = 0; p < parts.size(); p++) parts[p] = members_[m].gradient[p].data() + run.offset;
    const double own = kernels_.gather(parts.data(), static_cast<int>(parts.size()), run.length);
    if (!layerOf(settings, run).frozen) squares += own;
  }
  return std::sqrt(squares);
}

template <class T>
void Parameters<T>::step(int m, const OptimiserSettings& settings, double gradientNorm) {
  MemberParameters<T>& member = members_[m];
  if (settings.averageDecay && !member.averaged) {
    std::copy_n(member.value.data(), map_.size, member.average.reserve(map_.size));
    member.averaged = true;
  }
  member.steps++;
  const double t = static_cast<double>(member.steps);
  const double rate = settings.learningRate[m];
  for (const ParameterRun& run : map_.runs) {
    const LayerSettings own = layerOf(settings, run);
    if (own.frozen) continue;
    const double eta = rate * own.learningRate, decay = run.weights ? own.decay : 0;
    const AdamStep<T> step{T(settings.beta1),
                           T(settings.beta2),
                           T(settings.epsilon),
                           T(eta / (1 - std::pow(settings.beta1, t))),
                           T(1 / std::sqrt(1 - std::pow(settings.beta2, t))),
                           T(std::min(1.0, settings.clipNorm / gradientNorm)),
                           T(settings.decoupledDecay ? 1 - eta * decay : 1),
                           T(settings.decoupledDecay ? 0 : decay)};
    kernels_.adam(step, member.gradient[0].data() + run.offset, member.value.data() + run.offset,
                  member.m.data() + run.offset, member.v.data() + run.offset, run.length);
  }
  if (settings.averageDecay)
    kernels_.average(member.average.data(), member.value.data(), T(*settings.averageDecay), map_.size);
}

template <class T>
void Parameters<T>::values(Weights which, double* out) const {
  for (const auto& member : members_) {
    const T* from = which == Weights::average && member.averaged ? member.average.data() : member.value.data();
    for (const std::uint32_t at : map_.place) *out++ = from[at];
  }
}

template <class T>
void Parameters<T>::setValues(const double* values) {
  for (auto& member : members_)
    for (const std::uint32_t at : map_.place) member.value[at] = static_cast<T>(*values++);
  changed();
}

template <class T>
void Parameters<T>::copyGradients(int m, double* out) const {
  const T* gradient = members_[m].gradient[0].data();
  for (const std::uint32_t at : map_.place) *out++ = gradient[at];
}

template <class T>
std::vector<std::uint8_t> Parameters<T>::state() const {
  StateHeader header;
  header.bytesPerNumber = sizeof(T);
  header.members = static_cast<std::uint32_t>(members_.size());
  header.size = map_.size;
  header.parameters = map_.place.size();
  std::vector<std::uint8_t> out;
  const auto put = [&](const void* from, std::size_t n) {
    out.resize(out.size() + n);
    std::memcpy(out.data() + out.size() - n, from, n);
  };
  put(&header, sizeof header);
  for (const auto& member : members_) {
    const MemberHeader own{member.steps, member.averaged};
    put(&own, sizeof own);
    for (const Buffer<T>* buffer : {&member.value, &member.m, &member.v}) put(buffer->data(), map_.size * sizeof(T));
    if (member.averaged) put(member.average.data(), map_.size * sizeof(T));
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
  expected.size = map_.size;
  expected.parameters = map_.place.size();
  if (std::memcmp(&header, &expected, sizeof header) != 0) refuse();
  // The whole is measured before anything is replaced.
  const std::size_t array = map_.size * sizeof(T);
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
      std::memcpy(buffer->reserve(map_.size), bytes + at, array);
      at += array;
    }
  }
  changed();
}

template class Parameters<float>;
template class Parameters<double>;

}  // namespace mlts
