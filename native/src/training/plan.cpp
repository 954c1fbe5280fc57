#include "plan.hpp"

#include <algorithm>
#include <unordered_map>

namespace mlts {
std::vector<PlannedFrame> unite(const Batches& batches) {
  struct Entry {
    int place, repeat, member, id;  // a batch may hold a frame more than once
    bool operator<(const Entry& o) const {
      return place != o.place ? place < o.place : repeat != o.repeat ? repeat < o.repeat : member < o.member;
    }
  };
  // In the order in which the batches name them: ids depend on what was loaded before, and sums must not.
  std::unordered_map<int, int> places;
  std::vector<Entry> entries;
  for (std::size_t m = 0; m < batches.size(); m++) {
    std::unordered_map<int, int> seen;
    for (const int id : batches[m]) {
      const int place = places.try_emplace(id, static_cast<int>(places.size())).first->second;
      entries.push_back({place, seen[id]++, static_cast<int>(m), id});
    }
  }
  std::sort(entries.begin(), entries.end());
  std::vector<PlannedFrame> frames;
  for (std::size_t i = 0; i < entries.size(); i++) {
    const std::uint64_t bit = std::uint64_t{1} << entries[i].member;
    if (i > 0 && entries[i].place == entries[i - 1].place && entries[i].repeat == entries[i - 1].repeat) {
      frames.back().members |= bit;
    } else {
      frames.push_back({entries[i].id, bit});
    }
  }
  std::stable_sort(frames.begin(), frames.end(),
                   [](const PlannedFrame& a, const PlannedFrame& b) { return a.members < b.members; });
  return frames;
}

Plan plan(std::vector<PlannedFrame> frames, int parts, ChunkSize size, const std::function<int(int id)>& atoms) {
  Plan result;
  result.frames = std::move(frames);
  const auto& all = result.frames;
  std::vector<std::size_t> atomsUpTo{0}, costUpTo{0};
  for (const PlannedFrame& frame : all) {
    const std::size_t n = atoms(frame.id);
    atomsUpTo.push_back(atomsUpTo.back() + n);
    costUpTo.push_back(costUpTo.back() + n * (1 + __builtin_popcountll(frame.members)));
  }
  // A part's frames are cut evenly, so that no small chunk is left over.
  result.part.push_back(0);
  std::size_t first = 0;
  for (int p = 1; p <= parts; p++) {
    const std::size_t share = costUpTo.back() * p / parts;
    const std::size_t partEnd = std::lower_bound(costUpTo.begin(), costUpTo.end(), share) - costUpTo.begin();
    while (first < partEnd) {
      std::size_t end = first + 1;
      while (end < partEnd && all[end].members == all[first].members) end++;
      const std::size_t count = end - first, atomCount = atomsUpTo[end] - atomsUpTo[first];
      const std::size_t chunks =
          std::clamp<std::size_t>(std::max((count + size.frames - 1) / size.frames, atomCount / size.atoms), 1, count);
      for (std::size_t c = 0; c < chunks; c++) {
        const std::size_t begin = first + c * count / chunks;
        result.chunks.push_back({begin, first + (c + 1) * count / chunks - begin, all[first].members});
      }
      first = end;
    }
    result.part.push_back(result.chunks.size());
  }
  return result;
}

}  // namespace mlts
