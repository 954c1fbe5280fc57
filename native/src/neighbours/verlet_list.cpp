#include "verlet_list.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <string>

#include "mlts/error.hpp"

namespace mlts {

// What one thread needs while it looks for candidates.
struct SearchSpace {
  std::vector<std::int32_t> index;
  std::vector<float> squared;
  std::vector<std::uint32_t> bucket, start;
};

namespace {

constexpr int buckets = 16;  // of squared distance: candidates come roughly nearest first
constexpr std::size_t pointsPerTask = 1024;
constexpr std::size_t mostCandidates = 1 << 20;
constexpr std::size_t parallelFrom = 512;  // atoms; below, waking threads costs more than it saves

double norm(const Vec3& a) { return std::sqrt(a[0] * a[0] + a[1] * a[1] + a[2] * a[2]); }

// Frobenius norm of F − 1 for the map x·F that takes the rows of one lattice to those of another.
double strain(const Lattice& from, const Lattice& to) {
  double sum = 0;
  for (int k = 0; k < 3; k++) {
    Vec3 e{};
    e[k] = 1;
    Vec3 image = to.cartesian(from.fractional(e));
    image[k] -= 1;
    sum += norm(image) * norm(image);
  }
  return std::sqrt(sum);
}

// Whether a position is within `slack` of the expected one. If the caller has wrapped the atom into the cell since,
// `wrap` changes so that it is.
bool nearExpected(const Lattice& lattice, const double* x, const Vec3& expected, double slack,
                  std::array<std::int32_t, 3>& wrap) {
  const auto displacement = [&] {
    const Vec3 w = lattice.cartesian({double(wrap[0]), double(wrap[1]), double(wrap[2])});
    return Vec3{x[0] + w[0] - expected[0], x[1] + w[1] - expected[1], x[2] + w[2] - expected[2]};
  };
  Vec3 u = displacement();
  if (norm(u) <= slack) return true;
  const Vec3 jump = lattice.fractional(u);
  for (int k = 0; k < 3; k++)
    if (lattice.periodic(k) && std::fabs(jump[k]) < 1e9) wrap[k] -= static_cast<std::int32_t>(std::lround(jump[k]));
  u = displacement();
  return norm(u) <= slack;
}

}  // namespace

template <class F>
void VerletList::forEach(ThreadPool* pool, std::size_t n, std::size_t grain, F&& body) {
  if (pool && n * grain >= parallelFrom) {
    pool->forEach(n, 1, body);
  } else {
    for (std::size_t i = 0; i < n; i++) body(i, 0);
  }
}

bool VerletList::update(const ListInput& input, double cutoff, double skin,
                        decltype(NeighbourKernels<float>::within) within, ThreadPool* pool) {
  const Lattice lattice(input.cell, input.pbc);
  const bool rebuild = !sameSystem(input, cutoff, skin) || !stillValid(input, lattice, pool);
  if (rebuild) {
    atoms_ = -1;  // until the build has succeeded
    cutoff_ = cutoff;
    skin_ = skin;
    build(input, lattice, within, pool);
    atoms_ = input.atoms;
    builds_++;
  } else {
    movePoints(input, lattice, pool);
  }
  return rebuild;
}

bool VerletList::sameSystem(const ListInput& input, double cutoff, double skin) const {
  if (!builtLattice_ || input.atoms != atoms_ || input.owned != owned_ || input.elementCount != elementCount_)
    return false;
  if (cutoff != cutoff_ || skin != skin_ || skin == 0 || input.shells != shells_) return false;
  for (int k = 0; k < 3; k++)
    if (input.pbc[k] != builtLattice_->periodic(k)) return false;
  return std::equal(elements_.begin(), elements_.end(), input.elements);
}

// With x → x·F between the lattices, a pair's vector D₀ becomes D₀·F plus the difference of two displacements u from
// that map. |D₀| > cutoff + skin then implies |D| > cutoff as long as 2·max|u| + ‖F − 1‖(cutoff + skin) ≤ skin.
bool VerletList::stillValid(const ListInput& input, const Lattice& lattice, ThreadPool* pool) {
  if (!builtLattice_) return false;
  const Lattice& builtLattice = *builtLattice_;
  const double change = strain(builtLattice, lattice);
  const double slack = (skin_ - change * (cutoff_ + skin_)) / 2;
  if (!(slack > 0)) return false;
  std::atomic<bool> valid{true};
  forEach(pool, (atoms_ + pointsPerTask - 1) / pointsPerTask, pointsPerTask, [&](std::size_t task, int) {
    const std::size_t end = std::min<std::size_t>(atoms_, (task + 1) * pointsPerTask);
    for (std::size_t i = task * pointsPerTask; i < end && valid.load(std::memory_order_relaxed); i++) {
      const Vec3& built = builtPositions_[i];
      const Vec3 expected = change == 0 ? built : lattice.cartesian(builtLattice.fractional(built));
      if (!nearExpected(lattice, input.positions + 3 * i, expected, slack, images_.wrap[i])) valid = false;
    }
  });
  return valid;
}

void VerletList::build(const ListInput& input, const Lattice& lattice, decltype(NeighbourKernels<float>::within) within,
                       ThreadPool* pool) {
  const double reach = cutoff_ + skin_;
  images_.build(lattice, input.positions, input.atoms, reach);
  owned_ = input.owned;
  elementCount_ = input.elementCount;
  shells_ = input.shells;
  elements_.assign(input.elements, input.elements + input.atoms);
  builtLattice_ = lattice;

  const int count = static_cast<int>(images_.all.size());
  std::vector<Vec3> positions(count);
  for (int p = 0; p < count; p++) {
    const Image& image = images_.all[p];
    const auto& wrap = images_.wrap[image.atom];
    const double* x = input.positions + 3 * static_cast<std::size_t>(image.atom);
    const Vec3 s = lattice.cartesian(
        {double(image.shift[0] + wrap[0]), double(image.shift[1] + wrap[1]), double(image.shift[2] + wrap[2])});
    positions[p] = {x[0] + s[0], x[1] + s[1], x[2] + s[2]};
  }
  builtPositions_.assign(positions.begin(), positions.begin() + input.atoms);
  grid_.build(positions.data(), count, reach);

  points_.reserve(4 * static_cast<std::size_t>(count));
  owner_.resize(count);
  pointElement_.resize(count);
  shift_.resize(count);
  centerPoint_.clear();
  float* near[3];
  for (int k = 0; k < 3; k++) {
    near[k] = near_[k].reserve(count + blockWidth);
    std::fill_n(near[k] + count, blockWidth, 0.0f);
  }
  for (int p = 0; p < count; p++) {
    const int q = grid_.order()[p];
    for (int k = 0; k < 3; k++) {
      points_[4 * static_cast<std::size_t>(p) + k] = positions[q][k];
      near[k][p] = static_cast<float>(positions[q][k] - grid_.lowest()[k]);
    }
    points_[4 * static_cast<std::size_t>(p) + 3] = 0;
    owner_[p] = images_.all[q].atom;
    pointElement_[p] = static_cast<std::uint8_t>(elements_[owner_[p]]);
    shift_[p] = images_.all[q].shift;
    if (q < input.owned) centerPoint_.push_back(p);
  }

  shellEnd_.clear();
  for (int shell = 0, begin = 0; shell < shells_; shell++) {
    if (shell > 0) {
      addShell(begin, shellEnd_.back());
      begin = shellEnd_.back();
    }
    findCandidates(begin, centers(), within, pool);
    shellEnd_.push_back(centers());
  }
}

// Makes centers of the atoms that are candidates of centers begin … end − 1 and not centers yet.
void VerletList::addShell(int begin, int end) {
  if (owned_ == static_cast<int>(elements_.size())) return;  // no ghosts
  std::vector<char> isNew(elements_.size(), 0);
  for (int c = begin; c < end; c++) {
    const Candidates near = candidates(c);
    for (int k = 0; k < candidateCount(c); k++) isNew[owner_[near.index[k]]] = 1;
  }
  for (const std::int32_t p : centerPoint_) isNew[owner_[p]] = 0;
  for (int p = 0; p < static_cast<int>(owner_.size()); p++)
    if (isNew[owner_[p]] && grid_.order()[p] < static_cast<int>(elements_.size())) centerPoint_.push_back(p);
}

void VerletList::findCandidates(int begin, int end, decltype(NeighbourKernels<float>::within) within,
                                ThreadPool* pool) {
  chunks_.resize((end + centersPerChunk - 1) / centersPerChunk);
  begins_.resize(end);
  ends_.resize(static_cast<std::size_t>(end) * elementCount_);
  std::vector<SearchSpace> spaces(pool ? pool->threads() : 1);
  const int firstChunk = begin / centersPerChunk;
  forEach(pool, chunks_.size() - firstChunk, centersPerChunk, [&](std::size_t index, int thread) {
    const int chunk = firstChunk + static_cast<int>(index);
    std::vector<std::int32_t>& out = chunks_[chunk];
    const int from = std::max(begin, chunk * centersPerChunk), to = std::min((chunk + 1) * centersPerChunk, end);
    if (from == chunk * centersPerChunk) out.clear();
    for (int c = from; c < to; c++) findCandidates(c, within, spaces[thread], out);
    out.resize(out.size() + blockWidth);  // a vector may be read past the last
  });
}

void VerletList::findCandidates(int center, decltype(NeighbourKernels<float>::within) within, SearchSpace& space,
                                std::vector<std::int32_t>& out) {
  const int self = centerPoint_[center];
  const double* x = points_.data() + 4 * static_cast<std::size_t>(self);
  // Coordinates in float, relative to the corner of the grid, are off by up to half an ulp of its extent.
  const double reach = cutoff_ + skin_ + grid_.extent() * 4e-7;
  const float limit = static_cast<float>(reach * reach);
  const float* const near[3] = {near_[0].data(), near_[1].data(), near_[2].data()};
  const float at[3] = {near[0][self], near[1][self], near[2][self]};
  Grid::Run runs[Grid::maxRuns];
  const int runCount = grid_.runs({x[0], x[1], x[2]}, runs);
  std::size_t found = 0;
  for (int r = 0; r < runCount; r++) {
    const int length = runs[r].end - runs[r].begin;
    if (space.index.size() < found + length + blockWidth) {
      space.index.resize(2 * (found + length + blockWidth));
      space.squared.resize(space.index.size());
    }
    found += within(near, runs[r].begin, length, at, limit, space.index.data() + found, space.squared.data() + found);
  }
  if (found > mostCandidates)
    throw Error("E_LIMIT",
                "atom " + std::to_string(owner_[self]) + " has " + std::to_string(found) + " atoms within " +
                    std::to_string(reach) + " Å",
                "Check the density of the system.", owner_[self]);

  // Counting sort by element and distance; the center itself goes last and is cut off.
  const float perBucket = buckets / limit;
  const std::size_t bucketCount = static_cast<std::size_t>(elementCount_) * buckets;
  std::vector<std::uint32_t>& start = space.start;
  start.assign(bucketCount + 2, 0);
  if (space.bucket.size() < found) space.bucket.resize(space.index.size());
  for (std::size_t i = 0; i < found; i++) {
    const int p = space.index[i], shell = static_cast<int>(space.squared[i] * perBucket);
    const std::size_t bucket = p == self ? bucketCount : pointElement_[p] * buckets + std::min(shell, buckets - 1);
    space.bucket[i] = static_cast<std::uint32_t>(bucket);
    start[bucket + 1]++;
  }
  for (std::size_t b = 1; b < start.size(); b++) start[b] += start[b - 1];
  for (int e = 0; e < elementCount_; e++)
    ends_[static_cast<std::size_t>(center) * elementCount_ + e] = start[static_cast<std::size_t>(e + 1) * buckets];
  begins_[center] = static_cast<std::uint32_t>(out.size());
  out.resize(out.size() + found);
  std::int32_t* const to = out.data() + begins_[center];
  for (std::size_t i = 0; i < found; i++) to[start[space.bucket[i]]++] = space.index[i];
  out.pop_back();
}

void VerletList::movePoints(const ListInput& input, const Lattice& lattice, ThreadPool* pool) {
  const std::size_t count = owner_.size();
  forEach(pool, (count + pointsPerTask - 1) / pointsPerTask, pointsPerTask, [&](std::size_t task, int) {
    for (std::size_t p = task * pointsPerTask; p < std::min(count, (task + 1) * pointsPerTask); p++) {
      const auto& wrap = images_.wrap[owner_[p]];
      const double* x = input.positions + 3 * static_cast<std::size_t>(owner_[p]);
      const Vec3 s = lattice.cartesian(
          {double(shift_[p][0] + wrap[0]), double(shift_[p][1] + wrap[1]), double(shift_[p][2] + wrap[2])});
      for (int k = 0; k < 3; k++) points_[4 * p + k] = x[k] + s[k];
    }
  });
}

Candidates VerletList::candidates(int center) const {
  const std::int32_t* index = chunks_[center / centersPerChunk].data() + begins_[center];
  return {index,         ends_.data() + static_cast<std::size_t>(center) * elementCount_,
          elementCount_, points_.data(),
          owner_.data(), points_.data() + 4 * static_cast<std::size_t>(centerPoint_[center])};
}

std::size_t VerletList::bytes() const {
  std::size_t total = points_.bytes() + near_[0].bytes() * 3 + owner_.capacity() * (sizeof(std::int32_t) * 4) +
                      ends_.capacity() * sizeof(std::uint32_t) + begins_.capacity() * sizeof(std::uint32_t);
  for (const auto& chunk : chunks_) total += chunk.capacity() * sizeof(std::int32_t);
  return total;
}

}  // namespace mlts
