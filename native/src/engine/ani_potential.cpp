#include "ensemble_potential.hpp"
#include "evaluation.hpp"

namespace mlts {
namespace {

void checkModel(const AniModel& model) {
  checkMembers(model.members);
  const auto refuse = [](const std::string& what) {
    throw Error("E_MODEL", what, "Use the reference backend for this model.");
  };
  if (static_cast<int>(model.elements.size()) > maxElements)
    refuse(std::to_string(model.elements.size()) + " elements, the native backend takes at most " +
           std::to_string(maxElements));
  for (const auto& layers : model.networks)
    if (layers.empty()) refuse("a network without layers");
}

}  // namespace

std::unique_ptr<Potential> Potential::create(AniModel model, std::shared_ptr<ThreadPool> pool, const std::string& isa) {
  checkModel(model);
  const double cutoff = model.radialCutoff;
  return std::make_unique<EnsemblePotential<AniModel, Evaluation>>(std::move(model), cutoff, 1, std::move(pool), isa);
}

std::shared_ptr<ThreadPool> makeThreadPool(int threads) { return std::make_shared<ThreadPool>(threads); }
std::shared_ptr<VerletList> makeVerletList() { return std::make_shared<VerletList>(); }

}  // namespace mlts
