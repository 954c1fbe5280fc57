// How a batch is cut into chunks and dealt out to threads: the same way each time.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "mlts/trainer.hpp"

namespace mlts {

struct PlannedFrame {
  int id;
  std::uint64_t members;  // bit m: in the batch of member m
};

struct PlannedChunk {
  std::size_t first, count;  // of the plan's frames
  std::uint64_t members;
};

struct Plan {
  std::vector<PlannedFrame> frames;  // those of the same members together
  std::vector<PlannedChunk> chunks;
  std::vector<std::size_t> part;  // [parts + 1] first chunk of each part
};

// Frames that several members have in their batches are worked on once for all of them.
std::vector<PlannedFrame> unite(const Batches& batches);

// Few enough for what a pass keeps to stay in the second-level cache, enough to fill tiles.
struct ChunkSize {
  int frames, atoms;
};

// As many parts of about equal cost, each cut into chunks of at most that many frames and about that many atoms.
Plan plan(std::vector<PlannedFrame> frames, int parts, ChunkSize size, const std::function<int(int id)>& atoms);

}  // namespace mlts
