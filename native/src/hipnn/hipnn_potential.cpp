#include "../engine/ensemble_potential.hpp"
#include "hipnn_evaluation.hpp"

namespace mlts {
namespace {

void checkModel(const HipnnModel& model) {
  checkMembers(model.members);
  const auto refuse = [](const std::string& what) {
    throw Error("E_MODEL", what, "Use the reference backend for this model.");
  };
  // Blocks of environments are counted in 16 bits.
  constexpr int mostBlocks = 32000;
  const int width = (model.features + blockWidth - 1) / blockWidth;
  if (model.sensitivities < 1 || model.features < 1 || (model.sensitivities + 1) * width > mostBlocks)
    refuse(std::to_string(model.sensitivities) + " sensitivities of " + std::to_string(model.features) + " features");
  if (model.blocks.empty()) refuse("a model without interaction layers");
  for (const auto& block : model.blocks)
    if (block.atomLayers.size() != model.blocks[0].atomLayers.size())
      refuse("interaction blocks of different numbers of atom layers");
}

}  // namespace

std::unique_ptr<Potential> Potential::create(HipnnModel model, std::shared_ptr<ThreadPool> pool,
                                             const std::string& isa) {
  checkModel(model);
  const double cutoff = model.cutoff;
  const int shells = static_cast<int>(model.blocks.size());
  return std::make_unique<EnsemblePotential<HipnnModel, HipnnEvaluation>>(std::move(model), cutoff, shells,
                                                                          std::move(pool), isa);
}

}  // namespace mlts
