#include "batch.hpp"

#include <algorithm>
#include <cstdio>
#include <string>

namespace mlts {
namespace {

// A longer skin means fewer builds and more candidates to filter at each step; measured on water and aluminium.
constexpr double skin = 0.8;

}  // namespace

BatchLists::BatchLists(const std::vector<int>& elements, double cutoff, int shells,
                       decltype(NeighbourKernels<float>::within) within, ThreadPool& pool)
    : cutoff_(cutoff), shells_(shells), elementCount_(static_cast<int>(elements.size())), within_(within), pool_(pool) {
  elementOf_.fill(-1);
  for (std::size_t e = 0; e < elements.size(); e++) elementOf_.at(elements[e]) = static_cast<int>(e);
}

Batch BatchLists::prepare(const std::vector<System>& systems, std::vector<Result>& results) {
  Batch batch = start();
  listsInUse_.clear();
  if (ownLists_.size() < systems.size()) ownLists_.resize(systems.size());
  for (std::size_t i = 0; i < systems.size(); i++) {
    if (results[i].error) continue;
    try {
      append(batch, i, updatedList(systems[i], i), systems);
    } catch (const Error& error) {
      results[i].error = error;
    }
  }
  return batch;
}

Batch BatchLists::part(const Batch& batch, const std::vector<int>& places, const std::vector<System>& systems,
                       const std::vector<Result>& results) const {
  Batch some = start();
  for (const int place : places)
    if (!results[batch.systems[place].index].error)
      append(some, batch.systems[place].index, batch.systems[place].list, systems);
  return some;
}

Batch BatchLists::start() const {
  Batch batch;
  batch.hasElement.assign(elementCount_, 0);
  return batch;
}

void BatchLists::append(Batch& batch, std::size_t index, VerletList* list, const std::vector<System>& systems) const {
  const int place = static_cast<int>(batch.systems.size());
  batch.systems.push_back({index, list, batch.atoms});
  for (int c = 0; c < list->centersUpTo(0); c++) {
    batch.centers.push_back({list, c, static_cast<int>(batch.atoms)});
    batch.hasElement[list->element(c)] = 1;
  }
  batch.systemOfCenter.resize(batch.centers.size(), place);
  batch.atoms += systems[index].atoms;
}

VerletList* BatchLists::updatedList(const System& system, std::size_t index) {
  const int owned = system.owned < 0 ? system.atoms : system.owned;
  elements_.resize(system.atoms);
  for (int i = 0; i < system.atoms; i++) {
    const int number = system.numbers[i];
    const int element = number < 0 || number >= static_cast<int>(elementOf_.size()) ? -1 : elementOf_[number];
    if (element < 0)
      throw Error("E_SPECIES",
                  "atomic number " + std::to_string(number) + " (atom " + std::to_string(i) + ") is not in this model",
                  "Use a model that knows it.", i);
    elements_[i] = element;
  }
  for (int i = 0; i < 3 * system.atoms; i++)
    if (!std::isfinite(system.positions[i]))
      throw Error("E_NONFINITE", "a coordinate of atom " + std::to_string(i / 3) + " is not finite",
                  "Look for the step before that went wrong.", i / 3);
  const ListInput input{system.atoms,
                        owned,
                        elements_.data(),
                        elementCount_,
                        system.positions,
                        system.cell,
                        {system.pbc[0], system.pbc[1], system.pbc[2]},
                        shells_};
  // Two systems of a batch cannot share a list: the second gets one of its own.
  const bool kept = system.list && listsInUse_.insert(system.list).second;
  VerletList* list = kept ? system.list : &ownLists_[index];
  list->update(input, cutoff_, kept ? skin : 0, within_, &pool_);
  return list;
}

void refuseOverlap(int first, int second, double distance, double minDistance, Result& result) {
  if (result.error && (result.error->code != "E_OVERLAP" || result.error->value <= distance)) return;
  const int atom = std::min(first, second);
  char what[160];
  if (first == second) {
    std::snprintf(what, sizeof what, "atom %d and its periodic image are %.4f Å apart, the model needs at least %g Å",
                  atom, distance, minDistance);
  } else {
    std::snprintf(what, sizeof what, "atoms %d and %d are %.4f Å apart, the model needs at least %g Å", atom,
                  std::max(first, second), distance, minDistance);
  }
  result.error.emplace("E_OVERLAP", what, "Move them apart or relax the structure first.", atom);
  result.error->value = distance;
}

}  // namespace mlts
