#include "tiles.hpp"

#include <algorithm>
#include <numeric>

namespace mlts {

template <class T>
BlockMap BlockMap::of(const Descriptor<T>& d) {
  BlockMap map;
  map.blocks = d.blocks;
  const auto range = [](int first, int count) {
    std::vector<std::int16_t> blocks(count);
    std::iota(blocks.begin(), blocks.end(), static_cast<std::int16_t>(first));
    return blocks;
  };
  for (int e = 0; e < d.elements; e++) map.blocksOfGroup.push_back(range(d.radialBlock(e), d.radialBlocks));
  for (int p = 0; p < d.elements * (d.elements + 1) / 2; p++)
    map.blocksOfGroup.push_back(range(d.angularBlock(p), d.angularBlocks));
  return map;
}
template BlockMap BlockMap::of(const Descriptor<float>&);
template BlockMap BlockMap::of(const Descriptor<double>&);

int TileSet::activeSetOf(const GroupMask& mask, const BlockMap& map) {
  const auto known = std::find(setMasks_.begin(), setMasks_.end(), mask);
  if (known != setMasks_.end()) return static_cast<int>(known - setMasks_.begin());
  ActiveBlocks set;
  set.position.assign(map.blocks, -1);
  for (std::size_t group = 0; group < map.blocksOfGroup.size(); group++) {
    if (!mask.test(static_cast<int>(group))) continue;
    for (const std::int16_t block : map.blocksOfGroup[group]) {
      set.position[block] = static_cast<std::int16_t>(set.blocks.size());
      set.blocks.push_back(block);
    }
  }
  setMasks_.push_back(mask);
  activeSets.push_back(std::move(set));
  return static_cast<int>(activeSets.size()) - 1;
}

void TileSet::build(int count, const int* elements, const GroupMask* masks, int elementCount, const BlockMap& map,
                    int tileRows) {
  rowCenter.clear();
  tiles.clear();
  activeSets.clear();
  setMasks_.clear();
  values = 0;

  // The commonest groups get the lowest bits of the sorting key, so that neighbours in the order differ in rare ones
  // last.
  const int groups = static_cast<int>(map.blocksOfGroup.size());
  std::vector<int> seen(groups, 0), rank(groups);
  for (int i = 0; i < count; i++) {
    if (elements[i] < 0) continue;
    for (int w = 0; w * 64 < groups; w++)
      for (std::uint64_t bits = masks[i].words[w]; bits; bits &= bits - 1) seen[w * 64 + __builtin_ctzll(bits)]++;
  }
  std::vector<int> byCount(groups);
  std::iota(byCount.begin(), byCount.end(), 0);
  std::stable_sort(byCount.begin(), byCount.end(), [&](int a, int b) { return seen[a] > seen[b]; });
  for (int r = 0; r < groups; r++) rank[byCount[r]] = r;

  keys_.resize(count);
  for (int e = 0; e < elementCount; e++) {
    order_.clear();
    bool alike = true;
    for (int i = 0; i < count; i++) {
      if (elements[i] != e) continue;
      if (!order_.empty() && !(masks[i] == masks[order_.front()])) alike = false;
      order_.push_back(i);
    }
    if (order_.empty()) continue;
    if (!alike) {
      for (const int i : order_) {
        keys_[i] = {};
        for (int w = 0; w * 64 < groups; w++)
          for (std::uint64_t bits = masks[i].words[w]; bits; bits &= bits - 1)
            keys_[i].set(rank[w * 64 + __builtin_ctzll(bits)]);
      }
      std::sort(order_.begin(), order_.end(), [&](int a, int b) {
        for (int w = maskWords - 1; w >= 0; w--)
          if (keys_[a].words[w] != keys_[b].words[w]) return keys_[a].words[w] < keys_[b].words[w];
        return a < b;
      });
    }
    // Evenly filled: 13 rows are 7 + 6, not 12 + 1.
    const int n = static_cast<int>(order_.size());
    const int tileCount = (n + tileRows - 1) / tileRows;
    for (int t = 0, first = 0; t < tileCount; t++) {
      const int rows = (n - first + tileCount - t - 1) / (tileCount - t);
      GroupMask seenByTile;
      const int firstRow = static_cast<int>(rowCenter.size());
      for (int r = first; r < first + rows; r++) {
        seenByTile |= masks[order_[r]];
        rowCenter.push_back(order_[r]);
      }
      const int active = activeSetOf(seenByTile, map);
      tiles.push_back({e, firstRow, rows, active, values});
      values += activeSets[active].blocks.size() * rows * blockWidth;
      first += rows;
    }
  }
}

}  // namespace mlts
