// Rows of the descriptor matrix, sorted so that atoms which see the same columns share a tile.
//
// A column block exists for each neighbour element and each pair of them; most atoms see few. A tile stores and
// multiplies only the blocks that one of its rows sees, which is exact: the others are zero. Sorting by the set of
// groups seen makes those unions small.
#pragma once

#include <cstdint>
#include <vector>

#include "../kernels/interface.hpp"

namespace mlts {

// Set of groups an atom sees: bit e for the radial blocks of element e, bit elements+pair for the angular ones of a
// pair.
constexpr int maskWords = 4;
constexpr int maxElements = 21;  // 21 + 21·22/2 = 252 bits
struct GroupMask {
  std::uint64_t words[maskWords] = {};
  bool test(int bit) const { return words[bit >> 6] >> (bit & 63) & 1; }
  void set(int bit) { words[bit >> 6] |= std::uint64_t{1} << (bit & 63); }
  GroupMask& operator|=(const GroupMask& o) {
    for (int w = 0; w < maskWords; w++) words[w] |= o.words[w];
    return *this;
  }
  bool operator==(const GroupMask&) const = default;
};

// Which blocks a set of groups stands for.
struct BlockMap {
  int blocks = 0;
  std::vector<std::vector<std::int16_t>> blocksOfGroup;

  template <class T>
  static BlockMap of(const Descriptor<T>& d);
};

struct ActiveBlocks {
  std::vector<std::int16_t> blocks;    // ascending
  std::vector<std::int16_t> position;  // [all blocks] place in `blocks`, or −1
};

struct Tile {
  int element;
  int firstRow, rows;
  int active;          // index into TileSet::activeSets
  std::size_t offset;  // of its values, in elements of T
};

struct TileSet {
  std::vector<int> rowCenter;  // [rows] center shown in that row
  std::vector<Tile> tiles;
  std::vector<ActiveBlocks> activeSets;
  std::size_t values = 0;  // elements of T in all tiles

  // Sorts `count` centers into tiles of at most tileRows rows. elements[i] < 0: the center is left out.
  void build(int count, const int* elements, const GroupMask* masks, int elementCount, const BlockMap& map,
             int tileRows);

 private:
  std::vector<GroupMask> keys_;
  std::vector<int> order_;
  int activeSetOf(const GroupMask& mask, const BlockMap& map);
  std::vector<GroupMask> setMasks_;
};

}  // namespace mlts
