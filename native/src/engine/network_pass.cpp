#include "network_pass.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

namespace mlts {
namespace {

// Tiles of one task share each panel of weights while it is in L1; more would push their activations out of L2.
constexpr int tilesPerTask = 10;
// Below this many tasks a thread, the mean's members are dealt out too, into gradient slots that are summed afterwards.
constexpr int tasksPerThread = 20;
constexpr int maxTileRows = 16;  // of any instruction set

}  // namespace

template <class T>
std::size_t NetworkPass<T>::bytes() const {
  std::size_t total = gradients_.bytes();
  for (const Scratch& s : scratch_)
    for (const auto& layer : s.layers) total += layer.bytes();
  return total;
}

template <class T>
void NetworkPass<T>::plan(const NetworkInputs<T>& in, int threads) {
  const auto& tiles = in.tiles->tiles;
  tasks_.clear();
  std::vector<Task> chunks;
  for (std::size_t first = 0, end = 0; first < tiles.size(); first = end) {
    while (end < tiles.size() && tiles[end].element == tiles[first].element) end++;
    const std::size_t count = (end - first + tilesPerTask - 1) / tilesPerTask;  // even parts: 9 tiles are 5 + 4
    for (std::size_t c = 0; c < count; c++) {
      const std::size_t begin = first + c * (end - first) / count, next = first + (c + 1) * (end - first) / count;
      chunks.push_back({static_cast<int>(begin), static_cast<int>(next - begin), 0, in.members, 0, 0});
    }
  }
  slots_ = 1;
  if (in.separate) {
    slots_ = in.members;
  } else {
    while (slots_ < in.members && static_cast<int>(chunks.size()) * slots_ < tasksPerThread * threads) slots_ *= 2;
    slots_ = std::min(slots_, in.members);
  }
  flops_ = 0;
  // Members outermost: consecutive tasks find the same member's weights in L2.
  for (int slot = 0; slot < slots_; slot++) {
    for (Task task : chunks) {
      task.slot = slot;
      task.firstMember = slot * in.members / slots_;
      task.memberCount = (slot + 1) * in.members / slots_ - task.firstMember;
      const PackedElement<T>& element = (*in.elements)[tiles[task.firstTile].element];
      double flops = 0;
      for (int t = task.firstTile; t < task.firstTile + task.tileCount; t++) {
        const double columns = static_cast<double>(in.tiles->activeSets[tiles[t].active].blocks.size() * blockWidth);
        flops += tiles[t].rows * (element.flopsPerColumn * columns + element.flopsInner);
      }
      task.cost = flops * task.memberCount;
      flops_ += task.cost;
      tasks_.push_back(task);
    }
  }
  if (tasks_.size() < 200u)  // few: the largest first, so that none is left over at the end
    std::stable_sort(tasks_.begin(), tasks_.end(), [](const Task& a, const Task& b) { return a.cost > b.cost; });
}

template <class T>
void NetworkPass<T>::run(const NetworkInputs<T>& in, const NetworkKernels<T>& kernels, ThreadPool& pool, T* energies) {
  plan(in, pool.threads());
  stride_ = in.tiles->values;
  gradients_.reserve(stride_ * slots_);
  scratch_.resize(pool.threads());
  int widest = in.blocks;
  for (const auto& element : *in.elements)
    for (const int width : element.widths) widest = std::max(widest, width / blockWidth);
  if (static_cast<int>(dense_.size()) < widest) {
    dense_.resize(widest);
    std::iota(dense_.begin(), dense_.end(), std::int16_t{0});
  }
  pool.forEach(tasks_.size(), 1,
               [&](std::size_t i, int thread) { runTask(tasks_[i], in, kernels, scratch_[thread], energies); });
  if (!in.separate && slots_ > 1) sumSlots(in, pool);
}

template <class T>
void NetworkPass<T>::runTask(const Task& task, const NetworkInputs<T>& in, const NetworkKernels<T>& kernels,
                             Scratch& scratch, T* energies) {
  const Tile* tiles = in.tiles->tiles.data() + task.firstTile;
  const int n = task.tileCount;
  const PackedElement<T>& element = (*in.elements)[tiles[0].element];
  const int hidden = static_cast<int>(element.widths.size());
  if (hidden == 0) return runLinearTask(task, in, kernels, scratch, energies);
  int rows = 0;
  scratch.unionBlocks.clear();
  for (int t = 0; t < n; t++) {
    rows += tiles[t].rows;
    if (t > 0 && tiles[t].active == tiles[t - 1].active) continue;
    const auto& blocks = in.tiles->activeSets[tiles[t].active].blocks;
    scratch.unionBlocks.insert(scratch.unionBlocks.end(), blocks.begin(), blocks.end());
  }
  std::sort(scratch.unionBlocks.begin(), scratch.unionBlocks.end());
  scratch.unionBlocks.erase(std::unique(scratch.unionBlocks.begin(), scratch.unionBlocks.end()),
                            scratch.unionBlocks.end());
  if (static_cast<int>(scratch.layers.size()) < hidden) scratch.layers.resize(hidden);
  for (int l = 0; l < hidden; l++) scratch.layers[l].reserve(static_cast<std::size_t>(rows) * element.widths[l]);
  scratch.products.resize(n);

  // Tile t of a hidden layer starts at (rows before it) · width.
  const auto layerTiles = [&](int source, int target) {
    std::size_t before = 0;
    for (int t = 0; t < n; t++) {
      TileProduct<T>& p = scratch.products[t];
      p.rows = tiles[t].rows;
      const ActiveBlocks& active = in.tiles->activeSets[tiles[t].active];
      if (source < 0) {
        p.a = in.descriptor + tiles[t].offset;
        p.kBlock = active.blocks.data();
        p.kCount = static_cast<int>(active.blocks.size());
      } else {
        p.a = scratch.layers[source].data() + before * element.widths[source];
        p.kBlock = dense_.data();
        p.kCount = element.widths[source] / blockWidth;
      }
      if (target < 0) {
        p.c = gradients_.data() + task.slot * stride_ + tiles[t].offset;
        p.position = active.position.data();
      } else {
        p.c = scratch.layers[target].data() + before * element.widths[target];
        p.position = nullptr;
      }
      before += tiles[t].rows;
    }
    return scratch.products.data();
  };

  for (int m = task.firstMember; m < task.firstMember + task.memberCount; m++) {
    const PackedMember<T>& member = element.members[m];
    for (int l = 0; l < hidden; l++) {
      const PackedLayer<T>& layer = member.hidden[l];
      kernels.multiply(Epilogue::celu, layerTiles(l - 1, l), n, layer.forward, layer.inputs, dense_.data(),
                       layer.outputs / blockWidth, layer.bias, in.celuAlpha);
    }
    T* last = scratch.layers[hidden - 1].data();
    const int width = element.widths[hidden - 1];
    for (int t = 0; t < n; t++) {
      T energy[maxTileRows];
      kernels.output(last, tiles[t].rows, width / blockWidth, member.outputWeights, member.outputBias, in.scale,
                     in.celuAlpha, energy);
      storeEnergies(in, tiles[t], m, energy, energies);
      last += static_cast<std::size_t>(tiles[t].rows) * width;
    }
    for (int l = hidden - 1; l >= 0; l--) {
      const PackedLayer<T>& layer = member.hidden[l];
      const Epilogue epilogue = l > 0                   ? Epilogue::celuGradient
                                : m == task.firstMember ? Epilogue::plain
                                                        : Epilogue::add;
      const auto& blocks = l > 0 ? dense_ : scratch.unionBlocks;
      const int count = l > 0 ? layer.inputs / blockWidth : static_cast<int>(blocks.size());
      const TileProduct<T>* products = layerTiles(l, l - 1);
      if (n == 1) {
        kernels.multiplyTransposed(epilogue, *products, layer.forward, layer.inputs, blocks.data(), count,
                                   in.celuAlpha);
      } else {
        kernels.multiply(epilogue, products, n, layer.backward, layer.outputs, blocks.data(), count, layer.bias,
                         in.celuAlpha);
      }
    }
  }
}

// The output layer on the descriptor itself; CELU with an infinite α is the identity.
template <class T>
void NetworkPass<T>::runLinearTask(const Task& task, const NetworkInputs<T>& in, const NetworkKernels<T>& kernels,
                                   Scratch& scratch, T* energies) {
  constexpr T identity = std::numeric_limits<T>::infinity();
  for (int t = task.firstTile; t < task.firstTile + task.tileCount; t++) {
    const Tile& tile = in.tiles->tiles[t];
    const auto& blocks = in.tiles->activeSets[tile.active].blocks;
    const std::size_t size = blocks.size() * tile.rows * blockWidth;
    T* weights = scratch.weights.reserve(blocks.size() * blockWidth);
    T* one = scratch.gradient.reserve(size);
    T* total = gradients_.data() + task.slot * stride_ + tile.offset;
    std::fill_n(total, size, T(0));
    for (int m = task.firstMember; m < task.firstMember + task.memberCount; m++) {
      const PackedMember<T>& member = (*in.elements)[tile.element].members[m];
      for (std::size_t q = 0; q < blocks.size(); q++)
        std::copy_n(member.outputWeights + blocks[q] * blockWidth, blockWidth, weights + q * blockWidth);
      std::copy_n(in.descriptor + tile.offset, size, one);
      T energy[maxTileRows];
      kernels.output(one, tile.rows, static_cast<int>(blocks.size()), weights, member.outputBias, in.scale, identity,
                     energy);
      storeEnergies(in, tile, m, energy, energies);
      for (std::size_t i = 0; i < size; i++) total[i] += one[i];
    }
  }
}

template <class T>
void NetworkPass<T>::storeEnergies(const NetworkInputs<T>& in, const Tile& tile, int member, const T* energy,
                                   T* energies) const {
  for (int r = 0; r < tile.rows; r++)
    energies[static_cast<std::size_t>(tile.firstRow + r) * in.members + member] = energy[r];
}

template <class T>
void NetworkPass<T>::sumSlots(const NetworkInputs<T>& in, ThreadPool& pool) {
  const auto& tiles = in.tiles->tiles;
  pool.forEach(tiles.size(), 16, [&](std::size_t t, int) {
    T* sum = gradients_.data() + tiles[t].offset;
    const std::size_t size = in.tiles->activeSets[tiles[t].active].blocks.size() * tiles[t].rows * blockWidth;
    for (int slot = 1; slot < slots_; slot++) {
      const T* part = sum + slot * stride_;
      for (std::size_t i = 0; i < size; i++) sum[i] += part[i];
    }
  });
}

template class NetworkPass<float>;
template class NetworkPass<double>;

}  // namespace mlts
