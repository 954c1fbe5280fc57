// The Trainer of an ensemble: batches to chunks on threads, their sums to reports, gradients to steps. What differs
// between architectures is a Family<T>, which has
//
//     static constexpr ChunkSize chunkSize;
//     Parameters<T> parameters;
//     FrameStore<T> store;
//     void build(int part, std::vector<const StoredFrame<T>*> frames);   the chunk that a part works on
//     void run(int part, int member, T* gradient, const std::vector<LayerSettings>* layers, bool withForces,
//              FrameSink& sink);   predictions to the sink; what it leaves goes into the gradient, null: none is wanted
//
// with parts working side by side.
#pragma once

#include <algorithm>
#include <cmath>

#include "../engine/dispatch.hpp"
#include "frame_sink.hpp"
#include "frames.hpp"
#include "parameters.hpp"
#include "plan.hpp"

namespace mlts {

constexpr int maxTrainedMembers = 64;

inline void checkCancelled(const std::int32_t* flag) {
  if (flag && __atomic_load_n(flag, __ATOMIC_RELAXED))
    throw Error("E_CANCELLED", "the batch was cancelled", "Ask for it again if it is still wanted.");
}

// Throws E_EMPTY, E_LIMIT.
void checkTrained(int members, std::size_t elements);

template <class T>
const TrainingKernels<T>& trainingKernelsOf(const std::string& isa);

template <class T, template <class> class Family>
class EnsembleTrainer : public Trainer {
 public:
  template <class Model, class... More>
  EnsembleTrainer(const Model& model, std::shared_ptr<ThreadPool> pool, More&&... more)
      : pool_(std::move(pool)), family_(model, *pool_, std::forward<More>(more)...) {}

  std::vector<Loaded> load(const std::vector<LabelledFrame>& frames) override { return family_.store.load(frames); }
  void unload(const std::vector<int>& ids) override { family_.store.unload(ids); }
  std::size_t frameBytes() const override { return family_.store.bytes(); }

  std::vector<BatchReport> errors(const Batches& batches, const std::vector<LossTerm>& loss, Weights which,
                                  const std::int32_t* cancelled) override {
    const Averages averages(*this, which);
    Pass pass = prepare(batches, loss, cancelled);
    evaluate(pass, false);
    return reports(pass);
  }

  std::vector<BatchReport> gradient(const Batches& batches, const std::vector<LossTerm>& loss, double* gradients,
                                    const std::int32_t* cancelled) override {
    Pass pass = prepare(batches, loss, cancelled);
    differentiate(pass);
    pool_->forEach(members(), 1, [&](std::size_t m, int) {
      family_.parameters.gatherGradient(static_cast<int>(m), {});
      family_.parameters.copyGradients(static_cast<int>(m), gradients + m * parameters());
      clearGradient(static_cast<int>(m));
    });
    return reports(pass);
  }

  std::vector<BatchReport> step(const Batches& batches, const std::vector<LossTerm>& loss,
                                const OptimiserSettings& optimiser, const std::int32_t* cancelled) override {
    Pass pass = prepare(batches, loss, cancelled);
    pass.layers = &optimiser.layers;
    differentiate(pass);
    auto result = reports(pass);
    pool_->forEach(members(), 1, [&](std::size_t index, int) {
      const int m = static_cast<int>(index);
      const double norm = family_.parameters.gatherGradient(m, optimiser);
      result[m].gradientNorm = norm;
      result[m].applied = !batches[m].empty() && std::isfinite(norm);
      if (result[m].applied) family_.parameters.step(m, optimiser, norm);
      clearGradient(m);
    });
    family_.parameters.changed();
    return result;
  }

  void predict(const std::vector<int>& ids, const Predictions& out, Weights which,
               const std::int32_t* cancelled) override {
    const Averages averages(*this, which);
    const std::uint64_t all = members() == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << members()) - 1;
    std::vector<PlannedFrame> frames;
    std::vector<std::size_t> firstAtom{0};
    for (const int id : ids) {
      frames.push_back({id, all});
      firstAtom.push_back(firstAtom.back() + family_.store.frame(id).facts.atoms);
    }
    const Plan plan = planOf(std::move(frames));
    forEachChunk(plan, cancelled, [&](int part, const PlannedChunk& planned) {
      PredictionSink sink(*this, plan, planned, out, firstAtom);
      for (int m = 0; m < members(); m++) family_.run(part, m, nullptr, nullptr, out.forces || out.virials, sink);
    });
  }

  int members() const override { return family_.parameters.members(); }
  std::size_t parameters() const override { return family_.parameters.map().place.size(); }
  void values(Weights which, double* out) const override { family_.parameters.values(which, out); }
  void setValues(const double* values) override { family_.parameters.setValues(values); }
  std::vector<std::uint8_t> state() const override { return family_.parameters.state(); }
  void restore(const std::uint8_t* bytes, std::size_t size) override { family_.parameters.restore(bytes, size); }

 private:
  // The averages stand in for the weights while this lives.
  class Averages {
   public:
    Averages(EnsembleTrainer& trainer, Weights which) : trainer_(which == Weights::average ? &trainer : nullptr) {
      if (trainer_) trainer_->family_.parameters.swapAverages();
    }
    ~Averages() {
      if (trainer_) trainer_->family_.parameters.swapAverages();
    }
    Averages(const Averages&) = delete;
    Averages& operator=(const Averages&) = delete;

   private:
    EnsembleTrainer* trainer_;
  };

  // One batch of each member on its way.
  struct Pass {
    Plan plan;
    std::vector<BatchLoss> losses;            // [members]
    std::vector<std::vector<LossSums>> sums;  // [parts][members]
    std::vector<LossSums> total;              // [members]
    std::size_t terms;
    bool withForces = false;
    const std::vector<LayerSettings>* layers = nullptr;
    const std::int32_t* cancelled;
    std::vector<int> frames;  // [members]
  };

  class LossSink : public FrameSink {
   public:
    LossSink(const EnsembleTrainer& trainer, const Pass& pass, const PlannedChunk& chunk, std::vector<LossSums>& sums)
        : trainer_(trainer), pass_(pass), chunk_(chunk), sums_(sums) {}
    bool take(int index, int member, double& energy, double& hierarchicality, double* forces, double* virial) override {
      const StoredFrame<T>& frame = trainer_.family_.store.frame(pass_.plan.frames[chunk_.first + index].id);
      const BatchLoss& loss = pass_.losses[member];
      LossSums& sums = sums_[member];
      energy = frame.facts.energy ? loss.energy(frame.facts, energy - frame.energy, sums) : 0;
      hierarchicality = loss.hierarchicality(frame.facts, hierarchicality, sums);
      if (!forces) return false;
      if (frame.facts.forces) {
        for (int i = 0; i < 3 * frame.facts.atoms; i++) forces[i] -= frame.forces[i];
        loss.forces(frame.facts, forces, sums);
      } else {
        std::fill_n(forces, 3 * frame.facts.atoms, 0.0);
      }
      if (frame.facts.virial) {
        for (int i = 0; i < 9; i++) virial[i] -= frame.virial[i];
        loss.virial(frame.facts, virial, sums);
      } else {
        std::fill_n(virial, 9, 0.0);
      }
      return frame.facts.forces || frame.facts.virial;
    }

   private:
    const EnsembleTrainer& trainer_;
    const Pass& pass_;
    const PlannedChunk& chunk_;
    std::vector<LossSums>& sums_;
  };

  class PredictionSink : public FrameSink {
   public:
    PredictionSink(const EnsembleTrainer& trainer, const Plan& plan, const PlannedChunk& chunk, const Predictions& out,
                   const std::vector<std::size_t>& firstAtom)
        : trainer_(trainer), plan_(plan), chunk_(chunk), out_(out), firstAtom_(firstAtom) {}
    bool take(int index, int member, double& energy, double&, double* forces, double* virial) override {
      const std::size_t i = chunk_.first + index, n = firstAtom_.size() - 1;
      const StoredFrame<T>& frame = trainer_.family_.store.frame(plan_.frames[i].id);
      if (out_.energies) out_.energies[member * n + i] = energy + frame.selfEnergy;
      if (out_.forces)
        std::copy_n(forces, 3 * frame.facts.atoms, out_.forces + 3 * (member * firstAtom_.back() + firstAtom_[i]));
      if (out_.virials) std::copy_n(virial, 9, out_.virials + 9 * (member * n + i));
      return false;
    }

   private:
    const EnsembleTrainer& trainer_;
    const Plan& plan_;
    const PlannedChunk& chunk_;
    const Predictions& out_;
    const std::vector<std::size_t>& firstAtom_;
  };

  Plan planOf(std::vector<PlannedFrame> frames) const {
    return plan(std::move(frames), pool_->threads(), Family<T>::chunkSize,
                [this](int id) { return family_.store.frame(id).facts.atoms; });
  }

  Pass prepare(const Batches& batches, const std::vector<LossTerm>& loss, const std::int32_t* cancelled) {
    Pass pass;
    pass.cancelled = cancelled;
    pass.terms = loss.size();
    for (const LossTerm& term : loss) pass.withForces |= needsForces(term);
    for (const auto& batch : batches) {
      BatchLoss own(loss);
      for (const int id : batch) own.count(family_.store.frame(id).facts);
      own.finish();
      pass.losses.push_back(std::move(own));
      pass.frames.push_back(static_cast<int>(batch.size()));
    }
    pass.plan = planOf(unite(batches));
    return pass;
  }

  // body(part, planned) for all chunks, those of a part one after the other.
  template <class F>
  void forEachChunk(const Plan& plan, const std::int32_t* cancelled, F body) {
    pool_->forEach(static_cast<std::size_t>(pool_->threads()), 1, [&](std::size_t index, int) {
      const int part = static_cast<int>(index);
      for (std::size_t c = plan.part[part]; c < plan.part[part + 1]; c++) {
        checkCancelled(cancelled);
        const PlannedChunk& planned = plan.chunks[c];
        std::vector<const StoredFrame<T>*> frames;
        for (std::size_t i = 0; i < planned.count; i++)
          frames.push_back(&family_.store.frame(plan.frames[planned.first + i].id));
        family_.build(part, std::move(frames));
        body(part, planned);
      }
    });
  }

  // Losses, and the gradients' parts if wanted.
  void evaluate(Pass& pass, bool withGradient) {
    pass.sums.assign(static_cast<std::size_t>(pool_->threads()), std::vector<LossSums>(members()));
    for (auto& part : pass.sums)
      for (LossSums& sums : part) sums.reset(pass.terms);
    forEachChunk(pass.plan, pass.cancelled, [&](int part, const PlannedChunk& planned) {
      LossSink sink(*this, pass, planned, pass.sums[part]);
      for (int m = 0; m < members(); m++) {
        if (!(planned.members >> m & 1)) continue;
        T* const gradient = withGradient ? family_.parameters[m].gradient[part].data() : nullptr;
        family_.run(part, m, gradient, pass.layers, pass.withForces, sink);
      }
    });
    pass.total.assign(members(), {});
    for (int m = 0; m < members(); m++) {
      pass.total[m].reset(pass.terms);
      for (const auto& part : pass.sums) pass.total[m].add(part[m]);
    }
  }

  // A root mean square's derivative needs its value: then there are two passes.
  void differentiate(Pass& pass) {
    family_.parameters.reserveGradients();
    if (pass.losses.front().needsMeanSquares()) {
      evaluate(pass, false);
      for (int m = 0; m < members(); m++) pass.losses[m].setMeanSquares(pass.total[m]);
    }
    try {
      evaluate(pass, true);
    } catch (const Error&) {
      for (int m = 0; m < members(); m++)
        for (auto& part : family_.parameters[m].gradient) std::fill_n(part.data(), family_.parameters.map().size, T(0));
      throw;
    }
  }

  void clearGradient(int m) {
    std::fill_n(family_.parameters[m].gradient[0].data(), family_.parameters.map().size, T(0));
  }

  std::vector<BatchReport> reports(const Pass& pass) const {
    std::vector<BatchReport> result(members());
    for (int m = 0; m < members(); m++) {
      result[m].frames = pass.frames[m];
      pass.losses[m].report(pass.total[m], result[m]);
    }
    return result;
  }

  std::shared_ptr<ThreadPool> pool_;
  Family<T> family_;
};

}  // namespace mlts
