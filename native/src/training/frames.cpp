#include "frames.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "../neighbours/center_block.hpp"

namespace mlts {
namespace {

constexpr int mostAtoms = 65535;

double volumeOf(const LabelledFrame& frame) {
  const double* c = frame.cell;
  if (!c || !(frame.pbc[0] && frame.pbc[1] && frame.pbc[2])) return 0;
  return std::fabs(c[0] * (c[4] * c[8] - c[5] * c[7]) - c[1] * (c[3] * c[8] - c[5] * c[6]) +
                   c[2] * (c[3] * c[7] - c[4] * c[6]));
}

}  // namespace

template <class T>
std::size_t StoredFrame<T>::bytes() const {
  return sizeof *this + forces.capacity() * sizeof(T) + virial.capacity() * sizeof(double) +
         (self.capacity() + segment.capacity() + neighbour.capacity()) * sizeof(std::uint16_t) + element.capacity() +
         (first.capacity() + seen.capacity()) * sizeof(std::uint32_t) +
         (vectors.capacity() + descriptor.capacity()) * sizeof(T);
}

template <class T>
Center<T> CenterArraysOf<T>::unpack(const StoredFrame<T>& frame, int k, const Descriptor<T>& d,
                                    const TrainingKernels<T>& kernels) {
  const std::size_t first = frame.first[k], count = frame.first[k + 1] - first;
  const std::size_t capacity = (count + 2 * blockWidth - 1) / blockWidth * blockWidth;
  T* const dx = geometry_.reserve(4 * capacity);
  T *const dy = dx + capacity, *const dz = dy + capacity, *const r = dz + capacity;
  kernels.unpack(d, frame.vectors.data() + 3 * first, static_cast<int>(count), dx, dy, dz, r);
  std::int32_t* const atoms = atoms_.reserve(capacity);
  for (std::size_t i = 0; i < count; i++) atoms[i] = frame.neighbour[first + i];
  const std::size_t segments = 2 * static_cast<std::size_t>(d.elements) + 1;
  return {dx, dy, dz, r, atoms, frame.segment.data() + k * segments, frame.self[k]};
}

template <class T>
FrameStore<T>::FrameStore(FrameModel model, const Kernels<T>& kernels, decltype(NeighbourKernels<float>::within) within,
                          ThreadPool& pool)
    : model_(std::move(model)), kernels_(kernels), within_(within), pool_(pool) {
  elementOf_.fill(-1);
  for (std::size_t e = 0; e < model_.elements.size(); e++) elementOf_.at(model_.elements[e]) = static_cast<int>(e);
}

template <class T>
void FrameStore<T>::keepDescriptors(const Descriptor<T>& d, const BlockMap& map, const TrainingKernels<T>& training,
                                    std::size_t bytes) {
  keeping_ = {&d, &map, &training, bytes, std::vector<std::int16_t>(map.blocks)};
  std::iota(keeping_.dense.begin(), keeping_.dense.end(), std::int16_t{0});
}

template <class T>
std::vector<Trainer::Loaded> FrameStore<T>::load(const std::vector<LabelledFrame>& frames) {
  std::vector<Trainer::Loaded> result(frames.size());
  std::vector<std::unique_ptr<StoredFrame<T>>> stored(frames.size());
  std::vector<Scratch> scratch(pool_.threads());
  pool_.forEach(frames.size(), 8, [&](std::size_t i, int thread) {
    try {
      stored[i] = store(frames[i], scratch[thread]);
      bytes_ += stored[i]->bytes();
    } catch (const Error& error) {
      result[i].error = error;
    }
  });
  for (std::size_t i = 0; i < frames.size(); i++) {
    if (!stored[i]) continue;
    if (free_.empty()) {
      result[i].id = static_cast<int>(frames_.size());
      frames_.push_back(std::move(stored[i]));
    } else {
      result[i].id = free_.back();
      free_.pop_back();
      frames_[result[i].id] = std::move(stored[i]);
    }
  }
  return result;
}

template <class T>
const StoredFrame<T>& FrameStore<T>::frame(int id) const {
  if (id < 0 || id >= static_cast<int>(frames_.size()) || !frames_[id])
    throw Error("E_USAGE", "no frame with id " + std::to_string(id) + " is loaded", "Load it first.");
  return *frames_[id];
}

template <class T>
void FrameStore<T>::unload(const std::vector<int>& ids) {
  for (const int id : ids) {
    bytes_ -= frame(id).bytes();
    frames_[id].reset();
    free_.push_back(id);
  }
}

template <class T>
void FrameStore<T>::checkLabels(const LabelledFrame& frame) const {
  const auto refuse = [](const std::string& what) {
    throw Error("E_NONFINITE", what + " is not finite", "Leave this structure out.");
  };
  if (frame.energy && !std::isfinite(*frame.energy)) refuse("the energy label");
  if (!std::isfinite(frame.weight) || frame.weight < 0) refuse("the weight");
  for (int i = 0; i < 3 * frame.atoms; i++) {
    if (!std::isfinite(frame.positions[i])) refuse("a coordinate of atom " + std::to_string(i / 3));
    if (frame.forces && !std::isfinite(frame.forces[i])) refuse("the force label of atom " + std::to_string(i / 3));
  }
  for (int i = 0; i < 9; i++)
    if (frame.virial && !std::isfinite(frame.virial[i])) refuse("the virial label");
}

template <class T>
std::unique_ptr<StoredFrame<T>> FrameStore<T>::store(const LabelledFrame& frame, Scratch& scratch) const {
  if (frame.atoms < 1) throw Error("E_EMPTY", "a structure without atoms", "Leave it out.");
  if (frame.atoms > mostAtoms)
    throw Error("E_LIMIT", std::to_string(frame.atoms) + " atoms, training takes at most " + std::to_string(mostAtoms),
                "Leave this structure out.");
  checkLabels(frame);
  auto out = std::make_unique<StoredFrame<T>>();
  scratch.elements.resize(frame.atoms);
  for (int i = 0; i < frame.atoms; i++) {
    const int number = frame.numbers[i];
    const int element = number < 0 || number >= static_cast<int>(elementOf_.size()) ? -1 : elementOf_[number];
    if (element < 0)
      throw Error("E_SPECIES",
                  "atomic number " + std::to_string(number) + " (atom " + std::to_string(i) + ") is not in this model",
                  "Leave this structure out, or train a model that knows it.", i);
    scratch.elements[i] = element;
    out->selfEnergy += model_.selfEnergies[element];
  }
  scratch.list.update({frame.atoms,
                       frame.atoms,
                       scratch.elements.data(),
                       static_cast<int>(model_.elements.size()),
                       frame.positions,
                       frame.cell,
                       {frame.pbc[0], frame.pbc[1], frame.pbc[2]}},
                      model_.cutoff, 0, within_, nullptr);
  out->facts = {frame.atoms,
                frame.weight,
                volumeOf(frame),
                frame.energy.has_value(),
                frame.forces != nullptr,
                frame.virial != nullptr};
  if (frame.energy) out->energy = *frame.energy - out->selfEnergy;
  if (frame.forces) out->forces.assign(frame.forces, frame.forces + 3 * frame.atoms);
  if (frame.virial) out->virial.assign(frame.virial, frame.virial + 9);
  out->first.push_back(0);
  for (int k = 0; k < scratch.list.centers(); k++) storeCenter(*out, k, scratch);
  out->vectors.insert(out->vectors.end(), blockWidth, T(0));
  out->vectors.shrink_to_fit();
  out->neighbour.shrink_to_fit();
  out->segment.shrink_to_fit();
  out->first.shrink_to_fit();
  out->self.shrink_to_fit();
  out->element.shrink_to_fit();
  if (keeping_.descriptor && bytes_ < keeping_.bytes) storeDescriptors(*out, scratch);
  return out;
}

template <class T>
void FrameStore<T>::storeDescriptors(StoredFrame<T>& out, Scratch& scratch) const {
  const Descriptor<T>& d = *keeping_.descriptor;
  const TrainingKernels<T>& training = *keeping_.training;
  T* const row = scratch.row.reserve(static_cast<std::size_t>(d.blocks) * blockWidth);
  char* const memory = scratch.kernel.reserve(training.forwardBytes(d, out.mostNeighbours));
  out.seen.push_back(0);
  for (int k = 0; k < out.centers(); k++) {
    const Center<T> center = scratch.center.unpack(out, k, d, training);
    const GroupMask mask = groupsSeen(center.segment, d);
    training.forward(d, center, keeping_.dense.data(), keeping_.dense.data(), d.blocks, row, 1, 0, memory);
    for (std::size_t group = 0; group < keeping_.map->blocksOfGroup.size(); group++) {
      if (!mask.test(static_cast<int>(group))) continue;
      for (const std::int16_t block : keeping_.map->blocksOfGroup[group])
        out.descriptor.insert(out.descriptor.end(), row + block * blockWidth, row + (block + 1) * blockWidth);
    }
    out.seen.push_back(static_cast<std::uint32_t>(out.descriptor.size()));
  }
  out.descriptor.shrink_to_fit();
}

template <class T>
void FrameStore<T>::storeCenter(StoredFrame<T>& out, int k, Scratch& scratch) const {
  const VerletList& list = scratch.list;
  const std::size_t capacity = (list.candidateCount(k) + 2 * blockWidth - 1) / blockWidth * blockWidth;
  T* const g = scratch.geometry.reserve(4 * capacity + blockWidth);
  std::int32_t* const atoms = scratch.atoms.reserve(capacity + blockWidth);
  T nearest;
  const std::size_t segments = 2 * model_.elements.size() + 1;
  out.segment.resize(out.segment.size() + segments);
  const int count = kernels_.neighbours.filter(
      list.candidates(k), static_cast<T>(model_.cutoff), static_cast<T>(model_.innerCutoff), 0,
      {g, g + capacity, g + 2 * capacity, g + 3 * capacity, atoms, out.segment.data() + out.segment.size() - segments,
       &nearest, scratch.spare.reserve(5 * (capacity + blockWidth))});
  const int atom = list.atom(k);
  if (count < 0)
    throw Error("E_LIMIT", "atom " + std::to_string(atom) + " has more than 65535 neighbours",
                "Leave this structure out.", atom);
  if (nearest < model_.minDistance) {
    char what[120];
    std::snprintf(what, sizeof what, "atom %d has a neighbour %.4f Å away, the model needs at least %g Å", atom,
                  static_cast<double>(nearest), model_.minDistance);
    throw Error("E_OVERLAP", what, "Leave this structure out.", atom);
  }
  out.self.push_back(static_cast<std::uint16_t>(atom));
  out.element.push_back(static_cast<std::uint8_t>(list.element(k)));
  out.first.push_back(out.first.back() + count);
  for (int c = 0; c < 3; c++) out.vectors.insert(out.vectors.end(), g + c * capacity, g + c * capacity + count);
  out.neighbour.insert(out.neighbour.end(), atoms, atoms + count);
  out.mostNeighbours = std::max(out.mostNeighbours, count);
}

template struct StoredFrame<float>;
template struct StoredFrame<double>;
template class CenterArraysOf<float>;
template class CenterArraysOf<double>;
template class FrameStore<float>;
template class FrameStore<double>;

}  // namespace mlts
