// What every ensemble's evaluation starts from: the systems of a batch with their neighbour lists, and what is wanted.
#pragma once

#include <array>
#include <cmath>
#include <unordered_set>
#include <vector>

#include "../neighbours/center_block.hpp"
#include "../neighbours/verlet_list.hpp"
#include "mlts/potential.hpp"

namespace mlts {

// The systems of a batch that are evaluated, with the neighbour list of each.
struct Batch {
  struct Member {
    std::size_t index;  // in the caller's arrays
    VerletList* list;
    std::size_t firstAtom;  // in the arrays over all atoms
  };
  std::vector<Member> systems;
  std::size_t atoms = 0;
  std::vector<CenterRef> centers;
  std::vector<int> systemOfCenter;  // index into `systems`
  std::vector<char> hasElement;     // [elements] of the model
};

// The neighbour lists of a potential: those of trajectories are the callers', the others are kept here.
class BatchLists {
 public:
  // cutoff in Å; shells: layers of messages.
  BatchLists(const std::vector<int>& elements, double cutoff, int shells,
             decltype(NeighbourKernels<float>::within) within, ThreadPool& pool);

  // The systems that can be evaluated; the others' results get their errors.
  Batch prepare(const std::vector<System>& systems, std::vector<Result>& results);
  // Some of a batch, by their places in batch.systems, but for those with errors.
  Batch part(const Batch& batch, const std::vector<int>& places, const std::vector<System>& systems,
             const std::vector<Result>& results) const;

 private:
  Batch start() const;
  void append(Batch& batch, std::size_t index, VerletList* list, const std::vector<System>& systems) const;
  VerletList* updatedList(const System& system, std::size_t index);

  double cutoff_;
  int shells_, elementCount_;
  decltype(NeighbourKernels<float>::within) within_;
  ThreadPool& pool_;
  std::array<int, 256> elementOf_;
  std::vector<VerletList> ownLists_;  // of systems without a trajectory
  std::unordered_set<const VerletList*> listsInUse_;
  std::vector<std::int32_t> elements_;
};

// What the results of a batch ask for.
struct Wanted {
  bool gradient = false;  // forces or a virial of any kind
  bool separate = false;  // every member's forces
  bool virial = false;
  bool atomVirials = false;

  static Wanted of(const Batch& batch, const std::vector<Result>& results, int members) {
    Wanted wanted;
    for (const auto& system : batch.systems) {
      const Result& r = results[system.index];
      const bool spread = r.sigmaForces || r.memberForces || r.forceDeviations;
      wanted.separate |= spread && members > 1;
      wanted.gradient |= spread || r.forces || r.virial || r.virials;
      wanted.virial |= r.virial != nullptr;
      wanted.atomVirials |= r.virials != nullptr;
    }
    return wanted;
  }
};

inline void checkCancelled(const std::int32_t* flag) {
  if (flag && __atomic_load_n(flag, __ATOMIC_RELAXED))
    throw Error("E_CANCELLED", "the evaluation was cancelled", "Send it again if it is still wanted.");
}

// Whether an atom's network energy, eV, is so large that its rounding may exceed 1e-5 eV in T. Real ones are of the
// size of bond energies; measured on the published ensembles far from their data.
template <class T>
bool isTooCoarse(double energy) {
  constexpr double largestSingleEnergy = 20;
  return sizeof(T) == sizeof(float) && std::fabs(energy) > largestSingleEnergy;
}

// E_OVERLAP for two atoms of a system, unless a worse fault is known already: of several pairs the closest is named.
void refuseOverlap(int first, int second, double distance, double minDistance, Result& result);

}  // namespace mlts
