// Which instruction set's kernels to use on this processor.
#pragma once

#include <string>

#include "../kernels/interface.hpp"

namespace mlts {

struct IsaKernels {
  const char* name;
  const Kernels<float>* single;
  const Kernels<double>* double_;
};

// "" picks the best one. Throws E_UNAVAILABLE naming what there is.
const IsaKernels& selectKernels(const std::string& isa);

template <class T>
const Kernels<T>& kernelsOf(const IsaKernels& isa) {
  if constexpr (sizeof(T) == 4) {
    return *isa.single;
  } else {
    return *isa.double_;
  }
}

}  // namespace mlts
