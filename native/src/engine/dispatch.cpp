#include "dispatch.hpp"

#include <vector>

#include "mlts/potential.hpp"

namespace mlts {
namespace {

// Best first.
std::vector<IsaKernels> supported() {
  std::vector<IsaKernels> found;
#if defined(MLTS_X86)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma"))
    found.push_back({"avx512", &avx512::singleKernels, &avx512::doubleKernels});
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    found.push_back({"avx2", &avx2::singleKernels, &avx2::doubleKernels});
#endif
  found.push_back({"portable", &portable::singleKernels, &portable::doubleKernels});
  return found;
}

const std::vector<IsaKernels>& all() {
  static const std::vector<IsaKernels> list = supported();
  return list;
}

}  // namespace

const IsaKernels& selectKernels(const std::string& isa) {
  std::string names;
  for (const IsaKernels& k : all()) {
    if (isa.empty() || isa == k.name) return k;
    names += names.empty() ? k.name : std::string(", ") + k.name;
  }
  throw Error("E_UNAVAILABLE", "instruction set \"" + isa + "\" is not available on this processor, which has " + names,
              "Choose one of these, or none for the best.");
}

std::vector<std::string> availableIsas() {
  std::vector<std::string> names;
  for (const IsaKernels& k : all()) names.emplace_back(k.name);
  return names;
}

}  // namespace mlts
