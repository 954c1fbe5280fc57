// The triples (center; j, k) of one pair of elements, packed into lanes, a bounded number at a time.
#pragma once

#include "neighbour_terms.hpp"

namespace mlts::MLTS_ISA {

// Consecutive triples of one j: k, k+1, … k+count−1.
struct Chunk {
  std::uint16_t j, k, count;
};

// All (j, k) of two runs of neighbours, j < k where the runs are the same. Blocks of 16 k outside, j inside, so that
// with neighbours sorted by distance the lanes of a vector see similar distances.
class TripleCursor {
 public:
  TripleCursor(int jBegin, int jEnd, int kBegin, int kEnd)
      : jBegin_(jBegin), jEnd_(jEnd), kEnd_(kEnd), block_(kBegin), same_(jBegin == kBegin) {
    startBlock();
    skipEmpty();
  }
  bool done() const { return block_ >= kEnd_; }
  int j() const { return j_; }
  int k() const { return k_; }
  int count() const { return kStop_ - k_; }  // k's left of this j in this block
  void advance(int taken) {
    k_ += taken;
    if (k_ < kStop_) return;
    j_++;
    startRow();
    skipEmpty();
  }

 private:
  void startRow() { k_ = same_ && j_ >= block_ ? j_ + 1 : block_; }
  void startBlock() {
    kStop_ = block_ + blockWidth < kEnd_ ? block_ + blockWidth : kEnd_;
    jStop_ = same_ && kStop_ - 1 < jEnd_ ? kStop_ - 1 : jEnd_;
    j_ = jBegin_;
    startRow();
  }
  void skipEmpty() {
    while (block_ < kEnd_ && j_ >= jStop_) {
      block_ += blockWidth;
      startBlock();
    }
  }

  int jBegin_, jEnd_, kEnd_, block_;
  bool same_;
  int j_, k_, jStop_, kStop_;
};

template <class T>
struct TripleTile {
  int capacity, count = 0, chunks = 0;
  T* c;   // cosine of the angle at the center
  T* w;   // ½(r_j + r_k)
  T* ff;  // 2 f(r_j) f(r_k)
  Chunk* chunk;

  static std::size_t bytes(int capacity) {
    return 3 * Workspace::bytes<T>(capacity + blockWidth) + Workspace::bytes<Chunk>(capacity);
  }
  TripleTile(Workspace& workspace, int capacity_) : capacity(capacity_) {
    T** const all[] = {&c, &w, &ff};
    for (T** array : all) *array = workspace.take<T>(capacity + blockWidth);
    chunk = workspace.take<Chunk>(capacity);
  }

  int vectors() const { return (count + lanes<T> - 1) / lanes<T>; }

  // The next triples of the cursor, at most `capacity` of them; the last vector is filled up with triples of weight 0.
  void fill(const NeighbourTerms<T>& n, TripleCursor& cursor) {
    count = chunks = 0;
    while (!cursor.done() && count < capacity) {
      const int j = cursor.j(), first = cursor.k();
      const int taken = cursor.count() < capacity - count ? cursor.count() : capacity - count;
      const Vec<T> x = splat(n.ux[j]), y = splat(n.uy[j]), z = splat(n.uz[j]);
      const Vec<T> halfR = splat(n.r[j] / 2), f2 = splat(2 * n.fa[j]);
      for (int i = 0; i < taken; i += lanes<T>) {
        const int k = first + i, p = count + i;
        storeu(c + p, x * loadu(n.ux + k) + y * loadu(n.uy + k) + z * loadu(n.uz + k));
        storeu(w + p, loadu(n.r + k) * T(0.5) + halfR);
        storeu(ff + p, f2 * loadu(n.fa + k));
      }
      chunk[chunks++] = {static_cast<std::uint16_t>(j), static_cast<std::uint16_t>(first),
                         static_cast<std::uint16_t>(taken)};
      count += taken;
      cursor.advance(taken);
    }
    if (count == 0) return;
    storeu(c + count, Vec<T>{});
    storeu(ff + count, Vec<T>{});
    storeu(w + count, splat(w[count - 1]));
  }
};

}  // namespace mlts::MLTS_ISA
