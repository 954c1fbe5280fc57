// The Potential of an ANI ensemble: checks, neighbour lists, then one evaluation in the precision asked for.
#include <array>
#include <atomic>
#include <cmath>
#include <string>
#include <unordered_set>

#include "clock.hpp"
#include "dispatch.hpp"
#include "evaluation.hpp"

namespace mlts {
namespace {

constexpr int maxMembers = 64;
// A longer skin means fewer builds and more candidates to filter at each step; measured on water and aluminium.
constexpr double skin = 0.8;

[[noreturn]] void refuse(const std::string& what) {
  throw Error("E_MODEL", what, "Use the reference backend for this model.");
}

void checkModel(const AniModel& model) {
  if (model.members < 1) throw Error("E_EMPTY", "the model has no members", "Give it at least one.");
  if (model.members > maxMembers)
    refuse(std::to_string(model.members) + " members, the native backend takes at most " + std::to_string(maxMembers));
  if (static_cast<int>(model.elements.size()) > maxElements)
    refuse(std::to_string(model.elements.size()) + " elements, the native backend takes at most " +
           std::to_string(maxElements));
  for (const auto& layers : model.networks)
    if (layers.empty()) refuse("a network without layers");
}

class AniPotential : public Potential {
 public:
  AniPotential(AniModel model, std::shared_ptr<ThreadPool> pool, const std::string& isa)
      : model_(std::move(model)), pool_(std::move(pool)), kernels_(selectKernels(isa)), isa_(kernels_.name) {
    checkModel(model_);
    elementOf_.fill(-1);
    for (std::size_t e = 0; e < model_.elements.size(); e++) elementOf_.at(model_.elements[e]) = static_cast<int>(e);
    single_ = std::make_unique<Evaluation<float>>(model_, *kernels_.single, *pool_);
  }

  void evaluate(const std::vector<System>& systems, std::vector<Result>& results, Precision precision,
                const std::int32_t* cancelled) override {
    pool_->wake();
    stages_ = {};
    Clock clock;
    prepare(systems, results);
    clock.mark(stages_.neighbours);
    if (precision == Precision::double_) {
      evaluateInDouble(batch_, systems, results, cancelled);
    } else {
      evaluateInSingle(systems, results, cancelled);
    }
    bytes_ = single_->bytes() + (double_ ? double_->bytes() : 0) + batch_.centers.capacity() * sizeof(CenterRef);
  }

  const Stages& stages() const override { return stages_; }
  const std::string& isa() const override { return isa_; }
  std::size_t memoryBytes() const override { return bytes_; }

  double peak(Precision precision) override {
    std::vector<double> rates(pool_->threads());
    const auto measure =
        precision == Precision::single ? kernels_.single->network.peak : kernels_.double_->network.peak;
    pool_->forEach(rates.size(), 1, [&](std::size_t i, int) { rates[i] = measure(0.2); });
    double sum = 0;
    for (const double rate : rates) sum += rate;
    return sum;
  }

 private:
  void evaluateInSingle(const std::vector<System>& systems, std::vector<Result>& results,
                        const std::int32_t* cancelled) {
    Batch again = start();
    for (const int place : single_->run(batch_, systems, results, cancelled, stages_))
      if (!results[batch_.systems[place].index].error)
        append(again, batch_.systems[place].index, batch_.systems[place].list, systems);
    if (!again.systems.empty()) evaluateInDouble(again, systems, results, cancelled);
  }

  void evaluateInDouble(const Batch& batch, const std::vector<System>& systems, std::vector<Result>& results,
                        const std::int32_t* cancelled) {
    if (!double_) double_ = std::make_unique<Evaluation<double>>(model_, *kernels_.double_, *pool_);
    double_->run(batch, systems, results, cancelled, stages_);
  }

  Batch start() const {
    Batch batch;
    batch.hasElement.assign(model_.elements.size(), 0);
    return batch;
  }

  void append(Batch& batch, std::size_t index, VerletList* list, const std::vector<System>& systems) const {
    const int place = static_cast<int>(batch.systems.size());
    batch.systems.push_back({index, list, batch.atoms});
    for (int c = 0; c < list->centers(); c++) {
      batch.centers.push_back({list, c, static_cast<int>(batch.atoms)});
      batch.hasElement[list->element(c)] = 1;
    }
    batch.systemOfCenter.resize(batch.centers.size(), place);
    batch.atoms += systems[index].atoms;
  }

  // Fills batch_ with the systems that can be evaluated; the others' results get their errors.
  void prepare(const std::vector<System>& systems, std::vector<Result>& results) {
    batch_ = start();
    listsInUse_.clear();
    if (ownLists_.size() < systems.size()) ownLists_.resize(systems.size());
    for (std::size_t i = 0; i < systems.size(); i++) {
      if (results[i].error) continue;
      try {
        append(batch_, i, updatedList(systems[i], i), systems);
      } catch (const Error& error) {
        results[i].error = error;
      }
    }
  }

  // The neighbour list of a system at its present positions.
  VerletList* updatedList(const System& system, std::size_t index) {
    const int owned = system.owned < 0 ? system.atoms : system.owned;
    elements_.resize(system.atoms);
    for (int i = 0; i < system.atoms; i++) {
      const int number = system.numbers[i];
      const int element = number < 0 || number >= static_cast<int>(elementOf_.size()) ? -1 : elementOf_[number];
      if (element < 0)
        throw Error(
            "E_SPECIES",
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
                          static_cast<int>(model_.elements.size()),
                          system.positions,
                          system.cell,
                          {system.pbc[0], system.pbc[1], system.pbc[2]}};
    // Two systems of a batch cannot share a list: the second gets one of its own.
    const bool kept = system.list && listsInUse_.insert(system.list).second;
    VerletList* list = kept ? system.list : &ownLists_[index];
    list->update(input, model_.radialCutoff, kept ? skin : 0, kernels_.single->neighbours.within, pool_.get());
    return list;
  }

  AniModel model_;
  std::shared_ptr<ThreadPool> pool_;
  const IsaKernels& kernels_;
  std::string isa_;
  std::array<int, 256> elementOf_;
  std::unique_ptr<Evaluation<float>> single_;
  std::unique_ptr<Evaluation<double>> double_;
  Batch batch_;
  std::vector<VerletList> ownLists_;  // of systems without a trajectory
  std::unordered_set<const VerletList*> listsInUse_;
  std::vector<std::int32_t> elements_;
  Stages stages_;
  std::atomic<std::size_t> bytes_{0};  // read by other threads while an evaluation runs
};

}  // namespace

std::unique_ptr<Potential> Potential::create(AniModel model, std::shared_ptr<ThreadPool> pool, const std::string& isa) {
  return std::make_unique<AniPotential>(std::move(model), std::move(pool), isa);
}

std::shared_ptr<ThreadPool> makeThreadPool(int threads) { return std::make_shared<ThreadPool>(threads); }
std::shared_ptr<VerletList> makeVerletList() { return std::make_shared<VerletList>(); }

}  // namespace mlts
