#include "hipnn_evaluation.hpp"

#include <algorithm>
#include <cstring>

#include "../engine/clock.hpp"

namespace mlts {
namespace {

// Rows of all members worked on at once: small systems fill the threads, large ones do not fill memory.
constexpr int rowsAtOnce = 2048;
// Environments of a chunk stay in L2.
constexpr std::size_t chunkBytes = 320 << 10;
constexpr int mostTiles = 4;
// What a row costs beside its pairs, in pairs.
constexpr double rowCost = 100;

}  // namespace

template <class T>
HipnnEvaluation<T>::HipnnEvaluation(const HipnnModel& model, const Kernels<T>& kernels, ThreadPool& pool)
    : model_(model),
      kernels_(kernels),
      hipnn_(*kernels.hipnn),
      pool_(pool),
      blocks_(static_cast<int>(model.blocks.size())),
      windows_(model),
      pass_(model, kernels),
      parts_(pool.threads()),
      scratch_(pool.threads()) {}

template <class T>
std::vector<int> HipnnEvaluation<T>::run(const Batch& batch, const std::vector<System>& systems,
                                         std::vector<Result>& results, const std::int32_t* cancelled, Stages& stages) {
  Clock clock;
  cancelled_ = cancelled;
  const int members = model_.members;
  const Wanted wanted = Wanted::of(batch, results, members);
  const std::size_t systemCount = batch.systems.size();
  packMembers(wanted.separate);
  arrange(batch, systems);
  rows_.findPairs(windows_.bins(), static_cast<int>(model_.elements.size()), hipnn_, pool_, cancelled);
  refuseOverlaps(batch, results);
  clock.mark(stages.neighbours);

  const int lanes = wanted.separate ? (members + memberLanes - 1) / memberLanes * memberLanes : 1;
  if (wanted.gradient) forces_.reset(pool_, 1, batch.atoms, systemCount, lanes, wanted.atomVirials);
  energies_.resize(static_cast<std::size_t>(rows_.owned()) * members * blocks_);
  const int together = std::clamp(rowsAtOnce / std::max(1, rows_.rows()), 1, members);
  for (int first = 0; first < members; first += together) {
    const Group group{first, std::min(together, members - first)};
    reserve(group, wanted.gradient);
    for (int b = 0; b + 1 < blocks_; b++) forwardBlock(group, b);
    clock.mark(stages.descriptor);
    lastBlock(group, wanted, systemCount);
    clock.mark(stages.network);
    for (int b = blocks_ - 2; wanted.gradient && b >= 0; b--) backwardBlock(group, b, wanted, systemCount);
    clock.mark(stages.backward);
    if (wanted.gradient) sumForces(group, wanted, systemCount);
  }
  for (int b = 0; b < blocks_; b++) stages.flops += pass_.flops(b == 0) * members * rows_.rowsUpTo(blocks_ - 1 - b);
  auto again = finish(batch, systems, wanted, results);
  clock.mark(stages.reduce);
  return again;
}

template <class T>
void HipnnEvaluation<T>::packMembers(bool separate) {
  const std::size_t count = static_cast<std::size_t>(model_.members) * blocks_;
  if (packed_.empty()) {
    packed_.resize(count);
    scaledHeads_.resize(count);
    pool_.forEach(count, 1, [&](std::size_t k, int) {
      const int member = static_cast<int>(k) / blocks_, block = static_cast<int>(k) % blocks_;
      packed_[k] = packBlock<T>(model_, member, block, windows_.order(member, block));
    });
  }
  const T scale = static_cast<T>(model_.energyScale / (separate ? 1 : model_.members));
  for (std::size_t k = 0; k < count; k++) {
    T* head = scaledHeads_[k].reserve(pass_.width());
    for (int i = 0; i < pass_.width(); i++) head[i] = scale * packed_[k].head[i];
  }
}

template <class T>
void HipnnEvaluation<T>::arrange(const Batch& batch, const std::vector<System>& systems) {
  const int tileRows = kernels_.network.tileRows;
  const std::size_t rowBytes =
      static_cast<std::size_t>(pass_.components()) * model_.sensitivities * pass_.width() * sizeof(T);
  const int inCache = static_cast<int>(chunkBytes / (rowBytes * tileRows));
  const int tiles = (static_cast<int>(batch.centers.size()) + tileRows - 1) / tileRows;
  const int tasks = 2 * pool_.threads(), chunks = std::max(1, tasks / model_.members);
  const int evenly = pool_.threads() == 1 ? mostTiles : (tiles + chunks - 1) / chunks;
  rows_.arrange(batch, systems, blocks_, tileRows, std::max(1, std::min({inCache, mostTiles, evenly})));
  rowValues_ = static_cast<std::size_t>(rows_.rows()) * pass_.width();
  std::vector<char> present(model_.elements.size(), 0);
  for (int row = 0; row < rows_.rows(); row++) present[rows_.element(row)] = 1;
  pass_.setElements(present);
}

template <class T>
void HipnnEvaluation<T>::reserve(Group group, bool gradient) {
  const std::size_t stored = static_cast<std::size_t>(group.count) * (blocks_ - 1);
  features_.reserve(stored * rowValues_);
  slopes_.reserve(stored * rowValues_ * (1 + model_.blocks[0].atomLayers.size()));
  factors_.reserve(stored * rowValues_ * (pass_.components() - 1));
  if (gradient) pairGradients_.reserve(group.count * rows_.pairSlots() * (pass_.components() == 1 ? 1 : 3));
}

template <class T>
Saved<T> HipnnEvaluation<T>::saved(int local, int block) {
  const std::size_t layers = 1 + model_.blocks[0].atomLayers.size(), at = local * (blocks_ - 1) + block;
  return {slopes_.data() + at * layers * rowValues_, rowValues_,
          factors_.data() + at * (pass_.components() - 1) * rowValues_, 0};
}

template <class T>
Saved<T> HipnnEvaluation<T>::savedInScratch(const RowChunk& chunk, PassScratch<T>& scratch) const {
  const std::size_t values = static_cast<std::size_t>(chunk.rows) * pass_.width();
  return {scratch.slopes.reserve(values * (1 + model_.blocks[0].atomLayers.size())), values,
          scratch.factors.reserve(values * (pass_.components() - 1)), chunk.firstRow};
}

template <class T>
void HipnnEvaluation<T>::forwardBlock(Group group, int block) {
  const std::size_t chunks = rows_.chunksUpTo(blocks_ - 1 - block);
  pool_.forEach(group.count * chunks, 1, [&](std::size_t task, int thread) {
    checkCancelled(cancelled_);
    const int local = static_cast<int>(task / chunks), member = group.first + local;
    const RowChunk& chunk = rows_.chunk(static_cast<int>(task % chunks));
    PassScratch<T>& scratch = scratch_[thread];
    pass_.forward(packed(member, block), windows_.of(member, block), block == 0, rows_, chunk, features(local, block),
                  saved(local, block), false, scratch);
    T* const z = features(local, block + 1);
    for (int t = chunk.firstTile; t < chunk.firstTile + chunk.tiles; t++) {
      const RowTile& tile = rows_.tile(t);
      hipnn_.storeTile(scratch.features.data() + (tile.firstRow - chunk.firstRow) * pass_.width(),
                       pass_.width() / blockWidth, tile.rows,
                       z + static_cast<std::size_t>(tile.firstRow) * pass_.width());
    }
    storeEnergies(member, block, chunk, scratch);
  });
}

// Deals the tasks of a backward stage to the parts, evenly by cost and in order.
template <class T>
void HipnnEvaluation<T>::deal(Group group, int block, const Wanted& wanted, std::size_t systems) {
  const int chunks = rows_.chunksUpTo(blocks_ - 1 - block);
  std::vector<double> costUpTo(chunks + 1, 0.0);
  for (int c = 0; c < chunks; c++)
    costUpTo[c + 1] =
        costUpTo[c] + static_cast<double>(rows_.pairCount(rows_.chunk(c))) + rowCost * rows_.chunk(c).rows;
  const double total = costUpTo.back() * group.count;
  const auto boundary = [&](std::size_t part) -> std::size_t {
    if (part == parts_.size()) return static_cast<std::size_t>(group.count) * chunks;
    const double share = total * static_cast<double>(part) / static_cast<double>(parts_.size());
    const int member = std::min(static_cast<int>(share / costUpTo.back()), group.count - 1);
    const double rest = share - member * costUpTo.back();
    return static_cast<std::size_t>(member) * chunks +
           (std::lower_bound(costUpTo.begin(), costUpTo.end() - 1, rest) - costUpTo.begin());
  };
  for (std::size_t p = 0; p < parts_.size(); p++) {
    Part& part = parts_[p];
    part.firstTask = chunks == 0 ? 0 : boundary(p);
    part.endTask = chunks == 0 ? 0 : boundary(p + 1);
    const bool empty = part.firstTask == part.endTask;
    const int first = empty ? 0 : static_cast<int>(part.firstTask / chunks);
    const int end = empty ? 0 : static_cast<int>((part.endTask - 1) / chunks) + 1;
    if (block > 0) {
      auto& gradients = part.gradients[block % 2];
      gradients.firstMember = first;
      gradients.endMember = end;
      gradients.values.reserve(group.count * rowValues_);
    } else {
      part.firstMember = first;
      part.endMember = end;
      part.forces.reserve(group.count * static_cast<std::size_t>(rows_.rows()) * 4);
      part.virials.reserve(group.count * systems * 9);
      if (wanted.atomVirials) part.atomVirials.reserve(group.count * static_cast<std::size_t>(rows_.rows()) * 9);
    }
  }
}

// Empties what a part adds to.
template <class T>
void HipnnEvaluation<T>::zero(Part& part, int block, const Wanted& wanted, std::size_t systems) {
  const auto empty = [](auto& buffer, std::size_t perMember, int first, int end) {
    if (first < end) std::memset(buffer.data() + first * perMember, 0, (end - first) * perMember * sizeof buffer[0]);
  };
  if (block > 0) {
    auto& gradients = part.gradients[block % 2];
    empty(gradients.values, rowValues_, gradients.firstMember, gradients.endMember);
    return;
  }
  const std::size_t rows = rows_.rows();
  empty(part.forces, rows * 4, part.firstMember, part.endMember);
  empty(part.virials, systems * 9, part.firstMember, part.endMember);
  if (wanted.atomVirials) empty(part.atomVirials, rows * 9, part.firstMember, part.endMember);
}

template <class T>
void HipnnEvaluation<T>::lastBlock(Group group, const Wanted& wanted, std::size_t systems) {
  const int block = blocks_ - 1;
  const std::size_t chunks = rows_.chunksUpTo(0);
  const auto forward = [&](std::size_t task, PassScratch<T>& scratch) {
    checkCancelled(cancelled_);
    const int local = static_cast<int>(task / chunks), member = group.first + local;
    const RowChunk& chunk = rows_.chunk(static_cast<int>(task % chunks));
    const Saved<T> saved = savedInScratch(chunk, scratch);
    pass_.forward(packed(member, block), windows_.of(member, block), block == 0, rows_, chunk, features(local, block),
                  saved, wanted.gradient, scratch);
    storeEnergies(member, block, chunk, scratch);
    return saved;
  };
  if (!wanted.gradient) {
    pool_.forEach(group.count * chunks, 1, [&](std::size_t task, int thread) { forward(task, scratch_[thread]); });
    return;
  }
  deal(group, block, wanted, systems);
  pool_.forEach(parts_.size(), 1, [&](std::size_t p, int thread) {
    zero(parts_[p], block, wanted, systems);
    for (std::size_t task = parts_[p].firstTask; task < parts_[p].endTask; task++) {
      const Saved<T> saved = forward(task, scratch_[thread]);
      const int local = static_cast<int>(task / chunks), chunk = static_cast<int>(task % chunks);
      backwardChunk(group, parts_[p], local, block, chunk, saved, scratch_[thread]);
      if (block == 0) addForces(parts_[p], local, rows_.chunk(chunk), wanted, systems);
    }
  });
}

template <class T>
void HipnnEvaluation<T>::backwardBlock(Group group, int block, const Wanted& wanted, std::size_t systems) {
  deal(group, block, wanted, systems);
  const std::size_t chunks = rows_.chunksUpTo(blocks_ - 1 - block);
  pool_.forEach(parts_.size(), 1, [&](std::size_t p, int thread) {
    PassScratch<T>& scratch = scratch_[thread];
    zero(parts_[p], block, wanted, systems);
    for (std::size_t task = parts_[p].firstTask; task < parts_[p].endTask; task++) {
      checkCancelled(cancelled_);
      const int local = static_cast<int>(task / chunks), chunk = static_cast<int>(task % chunks);
      scratch.features.reserve(static_cast<std::size_t>(rows_.chunk(chunk).rows) * pass_.width());
      pass_.findSensitivities(windows_.of(group.first + local, block), rows_, rows_.chunk(chunk), true, scratch);
      backwardChunk(group, parts_[p], local, block, chunk, saved(local, block), scratch);
      if (block == 0) addForces(parts_[p], local, rows_.chunk(chunk), wanted, systems);
    }
  });
}

template <class T>
void HipnnEvaluation<T>::backwardChunk(Group group, Part& part, int local, int block, int index, const Saved<T>& saved,
                                       PassScratch<T>& scratch) {
  const RowChunk& chunk = rows_.chunk(index);
  const int member = group.first + local, width = pass_.width(), rowBlocks = width / blockWidth;
  const bool isOwned = rows_.shellOf(index) == 0, isLast = block == blocks_ - 1 - rows_.shellOf(index);
  // ∂E/∂z after the block: its own head, and the block that follows.
  for (int t = chunk.firstTile; t < chunk.firstTile + chunk.tiles; t++) {
    const RowTile& tile = rows_.tile(t);
    T* const g = scratch.features.data() + (tile.firstRow - chunk.firstRow) * width;
    if (isOwned) {
      hipnn_.fill(g, rowBlocks, tile.rows, scaledHeads_[member * blocks_ + block].data(), false);
    } else {
      std::memset(g, 0, static_cast<std::size_t>(tile.rows) * width * sizeof(T));
    }
    if (block == blocks_ - 1) continue;
    for (const Part& other : parts_) {
      const auto& gradients = other.gradients[(block + 1) % 2];
      if (local < gradients.firstMember || local >= gradients.endMember) continue;
      hipnn_.loadTile(g, rowBlocks, tile.rows,
                      gradients.values.data() + local * rowValues_ + static_cast<std::size_t>(tile.firstRow) * width,
                      true);
    }
  }
  if (isLast) {  // nothing has been added to these pairs yet
    const std::size_t gradients = pass_.components() == 1 ? 1 : 3;
    const std::size_t first = rows_.slot(chunk.firstRow), end = rows_.slot(chunk.firstRow + chunk.rows);
    std::memset(pairGradient(local) + gradients * first, 0, gradients * (end - first) * sizeof(T));
  }
  T* const gz = block == 0 ? nullptr : part.gradients[block % 2].values.data() + local * rowValues_;
  pass_.backward(packed(member, block), windows_.of(member, block), block == 0, rows_, chunk, features(local, block),
                 saved, gz, pairGradient(local), scratch);
}

template <class T>
void HipnnEvaluation<T>::addForces(Part& part, int local, const RowChunk& chunk, const Wanted& wanted,
                                   std::size_t systems) {
  const std::size_t rows = rows_.rows(), gradients = pass_.components() == 1 ? 1 : 3;
  T* const forces = part.forces.data() + local * rows * 4;
  T* const virials = wanted.atomVirials ? part.atomVirials.data() + local * rows * 9 : nullptr;
  for (int row = chunk.firstRow; row < chunk.firstRow + chunk.rows; row++) {
    double* const virial = wanted.virial ? part.virials.data() + (local * systems + rows_.system(row)) * 9 : nullptr;
    hipnn_.forces(rows_.pairs(row), pass_.components(), pairGradient(local) + gradients * rows_.slot(row), row, forces,
                  virial, virials);
  }
}

template <class T>
std::size_t HipnnEvaluation<T>::bytes() const {
  std::size_t total = windows_.bytes() + rows_.bytes() + features_.bytes() + slopes_.bytes() + factors_.bytes() +
                      pairGradients_.bytes() + forces_.bytes() + energies_.capacity() * sizeof(double);
  for (const auto& block : packed_) total += block.bytes();
  for (const auto& scratch : scratch_) total += scratch.bytes();
  for (const Part& part : parts_)
    total += part.gradients[0].values.bytes() + part.gradients[1].values.bytes() + part.forces.bytes() +
             part.virials.bytes() + part.atomVirials.bytes();
  return total;
}

template class HipnnEvaluation<float>;
template class HipnnEvaluation<double>;

}  // namespace mlts
