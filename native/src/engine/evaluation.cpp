#include "evaluation.hpp"

#include <algorithm>
#include <chrono>
#include <string>

namespace mlts {
namespace {

// Atoms worked on at once: enough tiles for all threads, few enough for descriptors and gradients of all members to
// stay in L3.
constexpr std::size_t centersPerBlock = 2048;

double now() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Adds the time since the last mark to a stage.
class Clock {
 public:
  void mark(double& stage) {
    const double t = now();
    stage += t - last_;
    last_ = t;
  }

 private:
  double last_ = now();
};

void checkCancelled(const std::int32_t* flag) {
  if (flag && __atomic_load_n(flag, __ATOMIC_RELAXED))
    throw Error("E_CANCELLED", "the evaluation was cancelled", "Send it again if it is still wanted.");
}

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
typename Evaluation<T>::Wanted Evaluation<T>::wantedOf(const std::vector<Result>& results, int members) {
  Wanted wanted;
  for (const Result& r : results) {
    if (r.error) continue;
    const bool spread = r.sigmaForces || r.memberForces || r.forceDeviations;
    wanted.separate |= spread && members > 1;
    wanted.gradient |= spread || r.forces || r.virial || r.virials;
    wanted.atomVirials |= r.virials != nullptr;
  }
  return wanted;
}

template <class T>
void Evaluation<T>::packElements() {
  std::vector<char> seen(elements_.size(), 0);
  for (const CenterRef& c : centers_) seen[atomElements_[firstAtom_[c.system] + c.atom]] = 1;
  std::vector<int> missing;
  for (std::size_t e = 0; e < elements_.size(); e++)
    if (seen[e] && elements_[e].members.empty()) missing.push_back(static_cast<int>(e));
  pool_.forEach(missing.size(), 1, [&](std::size_t k, int) {
    elements_[missing[k]] = packElement<T>(model_.networks[missing[k]], model_.members, map_.blocks,
                                           [this](int block, int lane) { return constants_.column(block, lane); });
  });
}

// Descriptor, networks and gradient of centers first … first+count−1.
template <class T>
void Evaluation<T>::runBlock(std::size_t first, std::size_t count, const Wanted& wanted, const std::int32_t* cancelled,
                             Clock& clock, Stages& stages, std::vector<Result>& results) {
  block_.build(...);
  clock.mark(stages.neighbours);
  checkCancelled(cancelled);

  tiles_.build(static_cast<int>(count), block_.elements(), block_.masks(), static_cast<int>(elements_.size()), map_,
               kernels_.network.tileRows);
  forward();
  clock.mark(stages.descriptor);
  checkCancelled(cancelled);

  const NetworkInputs<T> inputs{&tiles_,
                                &elements_,
                                descriptor_.data(),
                                model_.members,
                                wanted.separate,
                                scale(wanted),
                                static_cast<T>(model_.celuAlpha),
                                map_.blocks};
  network_.run(inputs, kernels_.network, pool_, energies_.reserve(count * model_.members));
  stages.flops += network_.flops();
  addEnergies(first, results);
  clock.mark(stages.network);
  checkCancelled(cancelled);

  if (wanted.gradient) backward(wanted);
  clock.mark(stages.backward);
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

// Which thread takes which tile is fixed by their costs, so that sums come out the same each time.
template <class T>
void Evaluation<T>::backward(const Wanted& wanted) {
  const int threads = pool_.threads();
  std::vector<double> costUpTo(tiles_.tiles.size() + 1, 0.0);
  for (std::size_t t = 0; t < tiles_.tiles.size(); t++) {
    double cost = 0;
    for (int r = 0; r < tiles_.tiles[t].rows; r++) cost += block_.cost(tiles_.rowCenter[tiles_.tiles[t].firstRow + r]);
    costUpTo[t + 1] = costUpTo[t] + cost;
  }
  const int members = wanted.separate ? model_.members : 1;
  pool_.run([&](int thread) {
    std::vector<const T*> gradients(members);
    const auto boundary = [&](int k) {
      return std::lower_bound(costUpTo.begin(), costUpTo.end(), costUpTo.back() * k / threads) - costUpTo.begin();
    };
    const std::size_t end = thread + 1 == threads ? tiles_.tiles.size() : boundary(thread + 1);
    for (std::size_t t = boundary(thread); t < end; t++) {
      const Tile& tile = tiles_.tiles[t];
      for (int m = 0; m < members; m++) gradients[m] = network_.gradient(tile, m);
      for (int r = 0; r < tile.rows; r++) {
        const int center = tiles_.rowCenter[tile.firstRow + r];
        const Accumulators<T> out{forces_.forces(thread), forces_.virial(thread, centers_[blockFirst_ + center].system),
                                  forces_.atomVirials(thread)};
        kernels_.descriptor.backward(constants_.view(), block_.center(center),
                                     tiles_.activeSets[tile.active].position.data(), gradients.data(), members,
                                     tile.rows, r, out, scratch_[thread].data());
      }
    }
  });
}
