#include "evaluation.hpp"

#include <algorithm>

#include "clock.hpp"

namespace mlts {
namespace {

// Atoms worked on at once: enough tiles for all threads, few enough for descriptors and gradients of all members to
// stay in L3.
constexpr std::size_t centersPerBlock = 2048;

}  // namespace

template <class T>
Evaluation<T>::Evaluation(const AniModel& model, const Kernels<T>& kernels, ThreadPool& pool)
    : model_(model),
      kernels_(kernels),
      pool_(pool),
      constants_(model),
      map_(BlockMap::of(constants_.view())),
      elements_(model.elements.size()),
      scratch_(pool.threads()) {}

template <class T>
std::vector<int> Evaluation<T>::run(const Batch& batch, const std::vector<System>& systems,
                                    std::vector<Result>& results, const std::int32_t* cancelled, Stages& stages) {
  Clock clock;
  const Wanted wanted = Wanted::of(batch, results, model_.members);
  const int lanes = wanted.separate ? (model_.members + memberLanes - 1) / memberLanes * memberLanes : 1;
  packElements(batch.hasElement);
  if (wanted.gradient)
    forces_.reset(pool_, pool_.threads(), batch.atoms, batch.systems.size(), lanes, wanted.atomVirials);
  std::vector<EnergySum> sums(batch.systems.size(), EnergySum(model_.members));
  std::vector<char> coarse(batch.systems.size(), 0);

  const std::size_t centers = batch.centers.size();
  const std::size_t blocks = std::max<std::size_t>(1, (centers + centersPerBlock - 1) / centersPerBlock);
  for (std::size_t b = 0; b < blocks; b++) {
    const std::size_t first = b * centers / blocks, count = (b + 1) * centers / blocks - first;
    checkCancelled(cancelled);
    block_.build(batch.centers.data() + first, static_cast<int>(count), constants_.view(), kernels_.neighbours, pool_);
    refuseOverlaps(batch, first, results);
    tiles_.build(block_.count(), block_.elements(), block_.masks(), static_cast<int>(elements_.size()), map_,
                 kernels_.network.tileRows);
    clock.mark(stages.neighbours);

    reserveScratch(wanted.separate ? model_.members : 1);
    forward();
    clock.mark(stages.descriptor);
    checkCancelled(cancelled);

    const T scale = static_cast<T>(model_.energyScale / (wanted.separate ? 1 : model_.members));
    const NetworkInputs<T> inputs{&tiles_,         &elements_, descriptor_.data(),  model_.members,
                                  wanted.separate, scale,      T(model_.celuAlpha), map_.blocks};
    network_.run(inputs, kernels_.network, pool_, energies_.reserve(count * model_.members));
    stages.flops += network_.flops();
    clock.mark(stages.network);
    checkCancelled(cancelled);

    if (wanted.gradient) backward(batch, first, wanted);
    clock.mark(stages.backward);
    addEnergies(batch, first, sums, coarse, results);
    clock.mark(stages.reduce);
  }
  for (std::size_t s = 0; s < batch.systems.size(); s++) {
    Result& result = results[batch.systems[s].index];
    if (result.error) continue;
    sums[s].write(result);
    if (wanted.gradient)
      forces_.write(pool_, systems[batch.systems[s].index], s, batch.systems[s].firstAtom, model_.members, result);
  }
  clock.mark(stages.reduce);
  std::vector<int> again;
  for (std::size_t s = 0; s < coarse.size(); s++)
    if (coarse[s]) again.push_back(static_cast<int>(s));
  return again;
}

template <class T>
void Evaluation<T>::packElements(const std::vector<char>& present) {
  std::vector<int> missing;
  for (std::size_t e = 0; e < elements_.size(); e++)
    if (present[e] && elements_[e].members.empty()) missing.push_back(static_cast<int>(e));
  pool_.forEach(missing.size(), 1, [&](std::size_t k, int) {
    elements_[missing[k]] = packElement<T>(model_.networks[missing[k]], model_.members, map_.blocks,
                                           [this](int block, int lane) { return constants_.column(block, lane); });
  });
}

// What lies inside the model's floor is not evaluated.
template <class T>
void Evaluation<T>::refuseOverlaps(const Batch& batch, std::size_t first, std::vector<Result>& results) const {
  for (int k = 0; k < block_.count(); k++) {
    const T nearest = block_.nearest(k);
    if (nearest >= model_.minDistance) continue;
    const auto& system = batch.systems[batch.systemOfCenter[first + k]];
    Result& result = results[system.index];
    const Center<T>& center = block_.center(k);
    int neighbour = 0;
    while (center.r[neighbour] != nearest) neighbour++;
    const int base = static_cast<int>(system.firstAtom);
    refuseOverlap(center.self - base, center.atom[neighbour] - base, nearest, model_.minDistance, result);
  }
}

template <class T>
void Evaluation<T>::reserveScratch(int members) {
  const std::size_t bytes = kernels_.descriptor.scratchBytes(constants_.view(), block_.mostNeighbours(), members);
  for (auto& scratch : scratch_) scratch.reserve(bytes);
}

template <class T>
void Evaluation<T>::forward() {
  descriptor_.reserve(tiles_.values);
  pool_.forEach(tiles_.tiles.size(), 1, [&](std::size_t t, int thread) {
    const Tile& tile = tiles_.tiles[t];
    const ActiveBlocks& active = tiles_.activeSets[tile.active];
    for (int r = 0; r < tile.rows; r++)
      kernels_.descriptor.forward(constants_.view(), block_.center(tiles_.rowCenter[tile.firstRow + r]),
                                  active.position.data(), active.blocks.data(), static_cast<int>(active.blocks.size()),
                                  descriptor_.data() + tile.offset, tile.rows, r, scratch_[thread].data());
  });
}

// The tiles are dealt into as many parts as there are threads, by cost and in order; each part sums into its own
// accumulators, whichever thread works on it, so that results are the same each time.
template <class T>
void Evaluation<T>::backward(const Batch& batch, std::size_t first, const Wanted& wanted) {
  const int parts = pool_.threads();
  const std::size_t tileCount = tiles_.tiles.size();
  std::vector<double> costUpTo(tileCount + 1, 0.0);
  for (std::size_t t = 0; t < tileCount; t++) {
    double cost = 0;
    for (int r = 0; r < tiles_.tiles[t].rows; r++)
      cost += 20.0 + block_.triples(tiles_.rowCenter[tiles_.tiles[t].firstRow + r]);
    costUpTo[t + 1] = costUpTo[t] + cost;
  }
  const auto boundary = [&](std::size_t part) -> std::size_t {
    if (part == static_cast<std::size_t>(parts)) return tileCount;
    const double share = costUpTo.back() * static_cast<double>(part) / parts;
    return std::lower_bound(costUpTo.begin(), costUpTo.end(), share) - costUpTo.begin();
  };
  const int members = wanted.separate ? model_.members : 1;
  pool_.forEach(parts, 1, [&](std::size_t part, int thread) {
    std::vector<const T*> gradients(members);
    for (std::size_t t = boundary(part); t < boundary(part + 1); t++) {
      const Tile& tile = tiles_.tiles[t];
      for (int m = 0; m < members; m++) gradients[m] = network_.gradient(tile, m);
      for (int r = 0; r < tile.rows; r++) {
        const int k = tiles_.rowCenter[tile.firstRow + r];
        const Accumulators<T> out{forces_.forces(part), forces_.virial(part, batch.systemOfCenter[first + k]),
                                  forces_.atomVirials(part)};
        kernels_.descriptor.backward(constants_.view(), block_.center(k),
                                     tiles_.activeSets[tile.active].position.data(), gradients.data(), members,
                                     tile.rows, r, out, scratch_[thread].data());
      }
    }
  });
}

template <class T>
void Evaluation<T>::addEnergies(const Batch& batch, std::size_t first, std::vector<EnergySum>& sums,
                                std::vector<char>& coarse, std::vector<Result>& results) const {
  std::vector<double> energies(model_.members);
  for (std::size_t row = 0; row < tiles_.rowCenter.size(); row++) {
    const int k = tiles_.rowCenter[row];
    const int s = batch.systemOfCenter[first + k];
    const double self = model_.selfEnergies[block_.elements()[k]];
    for (int m = 0; m < model_.members; m++) {
      const double network = model_.energyScale * energies_[row * model_.members + m];
      if (isTooCoarse<T>(network)) coarse[s] = 1;
      energies[m] = self + network;
    }
    sums[s].add(block_.center(k).self - batch.systems[s].firstAtom, energies.data(), results[batch.systems[s].index]);
  }
}

template <class T>
std::size_t Evaluation<T>::bytes() const {
  std::size_t total = descriptor_.bytes() + energies_.bytes() + block_.bytes() + network_.bytes() + forces_.bytes();
  for (const auto& element : elements_) total += element.storage.bytes();
  for (const auto& scratch : scratch_) total += scratch.bytes();
  return total;
}

template class Evaluation<float>;
template class Evaluation<double>;

}  // namespace mlts
