#include "ensemble_trainer.hpp"

#include <string>

namespace mlts {

void checkTrained(int members, std::size_t elements) {
  if (members < 1) throw Error("E_EMPTY", "the model has no members", "Give it at least one.");
  if (members > maxTrainedMembers || static_cast<int>(elements) > maxElements)
    throw Error("E_LIMIT",
                std::to_string(members) + " members and " + std::to_string(elements) +
                    " elements, training takes at most " + std::to_string(maxTrainedMembers) + " and " +
                    std::to_string(maxElements),
                "Train fewer at once.");
}

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

template const TrainingKernels<float>& trainingKernelsOf<float>(const std::string&);
template const TrainingKernels<double>& trainingKernelsOf<double>(const std::string&);

}  // namespace mlts
