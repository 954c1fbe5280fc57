// Training of ANI ensembles.
#include "../kernels/descriptor_constants.hpp"
#include "chunk.hpp"
#include "ensemble_trainer.hpp"

namespace mlts {
namespace {

template <class T>
class AniFamily {
 public:
  // Measured on molecules of 20 atoms.
  static constexpr ChunkSize chunkSize{32, 768};

  AniFamily(const AniModel& model, ThreadPool& pool, const IsaKernels& isa, std::size_t descriptorBytes)
      : pool_(pool),
        training_(trainingKernelsOf<T>(isa.name)),
        constants_(model),
        map_(BlockMap::of(constants_.view())),
        layout_(model, map_.blocks, [this](int b, int lane) { return constants_.column(b, lane); }),
        forward_(model.members),
        chunks_(pool.threads()),
        parameters(layout_.map, model.members, valuesOf(model), training_, pool),
        store({model.elements, model.selfEnergies, model.minDistance, model.radialCutoff, model.angularCutoff},
              kernelsOf<T>(isa), isa.single->neighbours.within, pool) {
    store.keepDescriptors(constants_.view(), map_, training_, descriptorBytes);
    for (auto& forward : forward_) std::fill_n(forward.reserve(layout_.map.size), layout_.map.size, T(0));
    parameters.onChange([this] { transpose(); });
    context_ = {&constants_.view(), &map_, &kernelsOf<T>(isa), &training_, &layout_, T(model.celuAlpha),
                model.energyScale,  {}};
    int widest = map_.blocks;
    for (const auto& layers : layout_.elements)
      for (const LayerShape& shape : layers) widest = std::max(widest, shape.outputs / blockWidth);
    for (int i = 0; i < widest; i++) context_.dense.push_back(static_cast<std::int16_t>(i));
  }
  AniFamily(const AniFamily&) = delete;
  AniFamily& operator=(const AniFamily&) = delete;

  void build(int part, std::vector<const StoredFrame<T>*> frames) { chunks_[part].build(context_, std::move(frames)); }

  void run(int part, int m, T* gradient, const std::vector<LayerSettings>* layers, bool withForces, FrameSink& sink) {
    chunks_[part].run({parameters[m].value.data(), forward_[m].data(), gradient, layers}, m, withForces, sink);
  }

 private:
  // Hidden layers' weights as [outputs/16][inputs][16].
  void transpose() {
    struct Task {
      int member;
      const LayerShape* shape;
    };
    std::vector<Task> tasks;
    for (int m = 0; m < parameters.members(); m++)
      for (const auto& layers : layout_.elements)
        for (const LayerShape& shape : layers)
          if (!shape.last) tasks.push_back({m, &shape});
    pool_.forEach(tasks.size(), 1, [&](std::size_t i, int) {
      const LayerShape& shape = *tasks[i].shape;
      training_.transpose(parameters[tasks[i].member].value.data() + shape.weights, shape.outputs, shape.inputs,
                          forward_[tasks[i].member].data() + shape.weights);
    });
  }

  ThreadPool& pool_;
  const TrainingKernels<T>& training_;
  DescriptorConstants<T> constants_;
  BlockMap map_;
  AniLayout layout_;
  ChunkContext<T> context_;
  std::vector<Buffer<T>> forward_;  // [members]
  std::vector<Chunk<T>> chunks_;    // [parts]

 public:
  Parameters<T> parameters;
  FrameStore<T> store;
};

}  // namespace

std::unique_ptr<Trainer> Trainer::create(const AniModel& model, std::shared_ptr<ThreadPool> pool, Precision precision,
                                         std::size_t descriptorBytes, const std::string& isa) {
  checkTrained(model.members, model.elements.size());
  const IsaKernels& kernels = selectKernels(isa);
  if (precision == Precision::double_)
    return std::make_unique<EnsembleTrainer<double, AniFamily>>(model, std::move(pool), kernels, descriptorBytes);
  return std::make_unique<EnsembleTrainer<float, AniFamily>>(model, std::move(pool), kernels, descriptorBytes);
}

}  // namespace mlts
