// Training of HIP-NN ensembles.
#include "../ensemble_trainer.hpp"
#include "hipnn_chunk.hpp"

namespace mlts {
namespace {

std::vector<double> valuesOf(const HipnnLayout& layout, const HipnnModel& model) {
  std::vector<double> values;
  for (int m = 0; m < model.members; m++) {
    const auto own = layout.values(model, m);
    values.insert(values.end(), own.begin(), own.end());
  }
  return values;
}

template <class T>
class HipnnFamily {
 public:
  // Measured on molecules of 13 atoms: environments are the bulk, 1.6 kB an atom and pass.
  static constexpr ChunkSize chunkSize{10, 240};

  HipnnFamily(const HipnnModel& model, ThreadPool& pool, const IsaKernels& isa)
      : layout_(model),
        parameters(layout_.map, model.members, valuesOf(layout_, model), trainingKernelsOf<T>(isa.name), pool),
        // All neighbours are alike: none is in an inner segment.
        store({model.elements, model.selfEnergies, model.minDistance, model.cutoff, 0}, kernelsOf<T>(isa),
              isa.single->neighbours.within, pool) {
    for (int part = 0; part < pool.threads(); part++) chunks_.emplace_back(layout_, model.selfEnergies, isa.name);
  }
  HipnnFamily(const HipnnFamily&) = delete;
  HipnnFamily& operator=(const HipnnFamily&) = delete;

  void build(int part, std::vector<const StoredFrame<T>*> frames) { chunks_[part].build(std::move(frames)); }

  // What is frozen is not stepped: its gradient costs little beside the pairs'.
  void run(int part, int m, T* gradient, const std::vector<LayerSettings>*, bool withForces, FrameSink& sink) {
    chunks_[part].run(parameters[m].value.data(), gradient, m, withForces, sink);
  }

 private:
  HipnnLayout layout_;
  std::vector<HipnnChunk<T>> chunks_;  // [parts]

 public:
  Parameters<T> parameters;
  FrameStore<T> store;
};

}  // namespace

std::unique_ptr<Trainer> Trainer::create(const HipnnModel& model, std::shared_ptr<ThreadPool> pool, Precision precision,
                                         const std::string& isa) {
  checkTrained(model.members, model.elements.size());
  const IsaKernels& kernels = selectKernels(isa);
  if (precision == Precision::double_)
    return std::make_unique<EnsembleTrainer<double, HipnnFamily>>(model, std::move(pool), kernels);
  return std::make_unique<EnsembleTrainer<float, HipnnFamily>>(model, std::move(pool), kernels);
}

}  // namespace mlts
