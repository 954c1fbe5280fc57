// The Trainer of an ANI ensemble: batches to chunks on threads, their sums to reports, gradients to steps.
#include <algorithm>
#include <cmath>

#include "../engine/dispatch.hpp"
#include "../kernels/descriptor_constants.hpp"
#include "chunk.hpp"
#include "plan.hpp"

namespace mlts {
namespace {

constexpr int maxMembers = 64;

template <class T>
const TrainingKernels<T>& trainingKernelsOf(const std::string& isa) {
  const auto pick = [](const TrainingKernels<float>& single, const TrainingKernels<double>& twice) -> auto& {
    if constexpr (sizeof(T) == 4) {
      (void)twice;
      return single;
    } else {
      (void)single;
      return twice;
    }
  };
#ifdef MLTS_X86
  if (isa == "avx512") return pick(avx512::singleTraining, avx512::doubleTraining);
  if (isa == "avx2") return pick(avx2::singleTraining, avx2::doubleTraining);
#endif
  (void)isa;
  return pick(portable::singleTraining, portable::doubleTraining);
}

void checkCancelled(const std::int32_t* flag) {
  if (flag && __atomic_load_n(flag, __ATOMIC_RELAXED))
    throw Error("E_CANCELLED", "the batch was cancelled", "Ask for it again if it is still wanted.");
}

template <class T>
class AniTrainer : public Trainer {
 public:
  AniTrainer(const AniModel& model, std::shared_ptr<ThreadPool> pool, const IsaKernels& isa,
             std::size_t descriptorBytes)
      : model_(withoutNetworks(model)),
        pool_(std::move(pool)),
        constants_(model),
        map_(BlockMap::of(constants_.view())),
        training_(trainingKernelsOf<T>(isa.name)),
        parameters_(model,
                    ParameterLayout(model, map_.blocks, [this](int b, int lane) { return constants_.column(b, lane); }),
                    training_, *pool_),
        store_(model_, constants_.view(), map_, kernelsOf<T>(isa), training_, isa.single->neighbours.within, *pool_,
               descriptorBytes),
        chunks_(pool_->threads()) {
    context_ = {&constants_.view(), &map_, &kernelsOf<T>(isa), &training_, &parameters_.layout(), T(model.celuAlpha),
                model.energyScale,  {}};
    int widest = map_.blocks;
    for (const auto& layers : parameters_.layout().elements)
      for (const LayerShape& shape : layers) widest = std::max(widest, shape.outputs / blockWidth);
    for (int i = 0; i < widest; i++) context_.dense.push_back(static_cast<std::int16_t>(i));
  }

  std::vector<Loaded> load(const std::vector<LabelledFrame>& frames) override { return store_.load(frames); }
  void unload(const std::vector<int>& ids) override { store_.unload(ids); }
  std::size_t frameBytes() const override { return store_.bytes(); }

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
      parameters_.gatherGradient(static_cast<int>(m), {});
      parameters_.copyGradients(static_cast<int>(m), gradients + m * parameters());
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
      const double norm = parameters_.gatherGradient(m, optimiser);
      result[m].gradientNorm = norm;
      result[m].applied = !batches[m].empty() && std::isfinite(norm);
      if (result[m].applied) parameters_.step(m, optimiser, norm);
      clearGradient(m);
    });
    parameters_.transpose();
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
      firstAtom.push_back(firstAtom.back() + store_.frame(id).facts.atoms);
    }
    const Plan plan = planOf(std::move(frames));
    forEachChunk(plan, cancelled, [&](Chunk<T>& chunk, const PlannedChunk& planned, std::size_t) {
      PredictionSink sink(*this, plan, planned, out, firstAtom);
      for (int m = 0; m < members(); m++) chunk.run(weightsOf(m, nullptr, nullptr), m, out.forces || out.virials, sink);
    });
  }

  int members() const override { return parameters_.members(); }
  std::size_t parameters() const override { return parameters_.layout().place.size(); }
  void values(Weights which, double* out) const override { parameters_.values(which, out); }
  void setValues(const double* values) override { parameters_.setValues(values); }
  std::vector<std::uint8_t> state() const override { return parameters_.state(); }
  void restore(const std::uint8_t* bytes, std::size_t size) override { parameters_.restore(bytes, size); }

 private:
  static AniModel withoutNetworks(AniModel model) {
    model.networks.clear();  // borrowed
    return model;
  }

  // The averages stand in for the weights while this lives.
  class Averages {
   public:
    Averages(AniTrainer& trainer, Weights which) : trainer_(which == Weights::average ? &trainer : nullptr) {
      if (trainer_) trainer_->parameters_.swapAverages();
    }
    ~Averages() {
      if (trainer_) trainer_->parameters_.swapAverages();
    }
    Averages(const Averages&) = delete;
    Averages& operator=(const Averages&) = delete;

   private:
    AniTrainer* trainer_;
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
    LossSink(const AniTrainer& trainer, const Pass& pass, const PlannedChunk& chunk, std::vector<LossSums>& sums)
        : trainer_(trainer), pass_(pass), chunk_(chunk), sums_(sums) {}
    bool take(int index, int member, double& energy, double* forces, double* virial) override {
      const StoredFrame<T>& frame = trainer_.store_.frame(pass_.plan.frames[chunk_.first + index].id);
      const BatchLoss& loss = pass_.losses[member];
      LossSums& sums = sums_[member];
      energy = frame.facts.energy ? loss.energy(frame.facts, energy - frame.energy, sums) : 0;
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
    const AniTrainer& trainer_;
    const Pass& pass_;
    const PlannedChunk& chunk_;
    std::vector<LossSums>& sums_;
  };

  class PredictionSink : public FrameSink {
   public:
    PredictionSink(const AniTrainer& trainer, const Plan& plan, const PlannedChunk& chunk, const Predictions& out,
                   const std::vector<std::size_t>& firstAtom)
        : trainer_(trainer), plan_(plan), chunk_(chunk), out_(out), firstAtom_(firstAtom) {}
    bool take(int index, int member, double& energy, double* forces, double* virial) override {
      const std::size_t i = chunk_.first + index, n = firstAtom_.size() - 1;
      const StoredFrame<T>& frame = trainer_.store_.frame(plan_.frames[i].id);
      if (out_.energies) out_.energies[member * n + i] = energy + frame.selfEnergy;
      if (out_.forces)
        std::copy_n(forces, 3 * frame.facts.atoms, out_.forces + 3 * (member * firstAtom_.back() + firstAtom_[i]));
      if (out_.virials) std::copy_n(virial, 9, out_.virials + 9 * (member * n + i));
      return false;
    }

   private:
    const AniTrainer& trainer_;
    const Plan& plan_;
    const PlannedChunk& chunk_;
    const Predictions& out_;
    const std::vector<std::size_t>& firstAtom_;
  };

  Plan planOf(std::vector<PlannedFrame> frames) const {
    return plan(std::move(frames), pool_->threads(), [this](int id) { return store_.frame(id).facts.atoms; });
  }

  Pass prepare(const Batches& batches, const std::vector<LossTerm>& loss, const std::int32_t* cancelled) {
    Pass pass;
    pass.cancelled = cancelled;
    pass.terms = loss.size();
    for (const LossTerm& term : loss) pass.withForces |= term.of != LossTerm::Of::energy;
    for (const auto& batch : batches) {
      BatchLoss own(loss);
      for (const int id : batch) own.count(store_.frame(id).facts);
      own.finish();
      pass.losses.push_back(std::move(own));
      pass.frames.push_back(static_cast<int>(batch.size()));
    }
    pass.plan = planOf(unite(batches));
    return pass;
  }

  MemberWeights<T> weightsOf(int m, T* gradient, const std::vector<LayerSettings>* layers) {
    return {parameters_[m].value.data(), parameters_[m].forward.data(), gradient, layers};
  }

  // body(chunk, planned, part) for all chunks, those of a part one after the other.
  template <class F>
  void forEachChunk(const Plan& plan, const std::int32_t* cancelled, F body) {
    pool_->forEach(chunks_.size(), 1, [&](std::size_t part, int) {
      for (std::size_t c = plan.part[part]; c < plan.part[part + 1]; c++) {
        checkCancelled(cancelled);
        const PlannedChunk& planned = plan.chunks[c];
        std::vector<const StoredFrame<T>*> frames;
        for (std::size_t i = 0; i < planned.count; i++)
          frames.push_back(&store_.frame(plan.frames[planned.first + i].id));
        chunks_[part].build(context_, std::move(frames));
        body(chunks_[part], planned, part);
      }
    });
  }

  // Losses, and the gradients' parts if wanted.
  void evaluate(Pass& pass, bool withGradient) {
    pass.sums.assign(chunks_.size(), std::vector<LossSums>(members()));
    for (auto& part : pass.sums)
      for (LossSums& sums : part) sums.reset(pass.terms);
    forEachChunk(pass.plan, pass.cancelled, [&](Chunk<T>& chunk, const PlannedChunk& planned, std::size_t part) {
      LossSink sink(*this, pass, planned, pass.sums[part]);
      for (int m = 0; m < members(); m++) {
        if (!(planned.members >> m & 1)) continue;
        T* const gradient = withGradient ? parameters_[m].gradient[part].data() : nullptr;
        chunk.run(weightsOf(m, gradient, pass.layers), m, pass.withForces, sink);
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
    parameters_.reserveGradients();
    if (pass.losses.front().needsMeanSquares()) {
      evaluate(pass, false);
      for (int m = 0; m < members(); m++) pass.losses[m].setMeanSquares(pass.total[m]);
    }
    try {
      evaluate(pass, true);
    } catch (const Error&) {
      for (int m = 0; m < members(); m++)
        for (auto& part : parameters_[m].gradient) std::fill_n(part.data(), parameters_.layout().size, T(0));
      throw;
    }
  }

  void clearGradient(int m) { std::fill_n(parameters_[m].gradient[0].data(), parameters_.layout().size, T(0)); }

  std::vector<BatchReport> reports(const Pass& pass) const {
    std::vector<BatchReport> result(members());
    for (int m = 0; m < members(); m++) {
      result[m].frames = pass.frames[m];
      pass.losses[m].report(pass.total[m], result[m]);
    }
    return result;
  }

  AniModel model_;
  std::shared_ptr<ThreadPool> pool_;
  DescriptorConstants<T> constants_;
  BlockMap map_;
  const TrainingKernels<T>& training_;
  Parameters<T> parameters_;
  FrameStore<T> store_;
  ChunkContext<T> context_;
  std::vector<Chunk<T>> chunks_;  // [parts]
};

}  // namespace

std::unique_ptr<Trainer> Trainer::create(const AniModel& model, std::shared_ptr<ThreadPool> pool, Precision precision,
                                         std::size_t descriptorBytes, const std::string& isa) {
  if (model.members < 1) throw Error("E_EMPTY", "the model has no members", "Give it at least one.");
  if (model.members > maxMembers || static_cast<int>(model.elements.size()) > maxElements)
    throw Error("E_LIMIT",
                std::to_string(model.members) + " members and " + std::to_string(model.elements.size()) +
                    " elements, training takes at most " + std::to_string(maxMembers) + " and " +
                    std::to_string(maxElements),
                "Train fewer at once.");
  const IsaKernels& kernels = selectKernels(isa);
  if (precision == Precision::double_)
    return std::make_unique<AniTrainer<double>>(model, std::move(pool), kernels, descriptorBytes);
  return std::make_unique<AniTrainer<float>>(model, std::move(pool), kernels, descriptorBytes);
}

}  // namespace mlts
