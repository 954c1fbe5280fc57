// A Potential of any architecture: neighbour lists, then one evaluation in the precision asked for.
//
// Evaluator<T>(model, kernels, pool) has run(batch, systems, results, cancelled, stages), which returns the places in
// batch.systems that single precision is too coarse for, and bytes().
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "batch.hpp"
#include "clock.hpp"
#include "dispatch.hpp"

namespace mlts {

template <class Model, template <class> class Evaluator>
class EnsemblePotential : public Potential {
 public:
  EnsemblePotential(Model model, double cutoff, int shells, std::shared_ptr<ThreadPool> pool, const std::string& isa)
      : model_(std::move(model)),
        pool_(std::move(pool)),
        kernels_(selectKernels(isa)),
        isa_(kernels_.name),
        single_(std::make_unique<Evaluator<float>>(model_, *kernels_.single, *pool_)),
        lists_(model_.elements, cutoff, shells, kernels_.single->neighbours.within, *pool_) {}

  void evaluate(const std::vector<System>& systems, std::vector<Result>& results, Precision precision,
                const std::int32_t* cancelled) override {
    pool_->wake();
    stages_ = {};
    Clock clock;
    const Batch batch = lists_.prepare(systems, results);
    clock.mark(stages_.neighbours);
    if (precision == Precision::double_) {
      evaluateInDouble(batch, systems, results, cancelled);
    } else {
      const auto coarse = single_->run(batch, systems, results, cancelled, stages_);
      const Batch again = lists_.part(batch, coarse, systems, results);
      if (!again.systems.empty()) evaluateInDouble(again, systems, results, cancelled);
    }
    bytes_ = single_->bytes() + (double_ ? double_->bytes() : 0) + batch.centers.capacity() * sizeof(CenterRef);
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
  void evaluateInDouble(const Batch& batch, const std::vector<System>& systems, std::vector<Result>& results,
                        const std::int32_t* cancelled) {
    if (!double_) double_ = std::make_unique<Evaluator<double>>(model_, *kernels_.double_, *pool_);
    double_->run(batch, systems, results, cancelled, stages_);
  }

  Model model_;
  std::shared_ptr<ThreadPool> pool_;
  const IsaKernels& kernels_;
  std::string isa_;
  std::unique_ptr<Evaluator<float>> single_;
  std::unique_ptr<Evaluator<double>> double_;
  BatchLists lists_;
  Stages stages_;
  std::atomic<std::size_t> bytes_{0};  // read by other threads while an evaluation runs
};

// Throws E_EMPTY or E_MODEL.
inline void checkMembers(int members) {
  constexpr int maxMembers = 64;
  if (members < 1) throw Error("E_EMPTY", "the model has no members", "Give it at least one.");
  if (members > maxMembers)
    throw Error("E_MODEL",
                std::to_string(members) + " members, the native backend takes at most " + std::to_string(maxMembers),
                "Use the reference backend for this model.");
}

}  // namespace mlts
