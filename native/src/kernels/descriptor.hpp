// The descriptor's kernels of one instruction set.
#pragma once

#include "backward_mean.hpp"
#include "backward_members.hpp"
#include "descriptor_forward.hpp"

namespace mlts::MLTS_ISA {

template <class T>
std::size_t scratchBytes(const Descriptor<T>& d, int neighbours, int members) {
  const std::size_t back =
      members == 1 ? MeanScratch<T>::bytes(d, neighbours) : MembersScratch<T>::bytes(d, neighbours);
  const std::size_t forth = ForwardScratch<T>::bytes(d, neighbours);
  return back > forth ? back : forth;
}

template <class T>
void backward(const Descriptor<T>& d, const Center<T>& center, const std::int16_t* position, const T* const* gradients,
              int members, int rows, int row, const Accumulators<T>& out, void* scratch) {
  if (members == 1) {
    backwardMean(d, center, position, gradients, rows, row, out, scratch);
  } else {
    backwardMembers(d, center, position, gradients, members, rows, row, out, scratch);
  }
}

template <class T>
constexpr DescriptorKernels<T> descriptorKernels{scratchBytes<T>, forward<T>, backward<T>};

}  // namespace mlts::MLTS_ISA
