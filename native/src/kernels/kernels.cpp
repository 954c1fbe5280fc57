// Compiled once per instruction set: the tables through which the driver reaches that set's kernels.
#include "network.hpp"
#include "peak.hpp"

#if __has_include("descriptor.hpp")
#include "descriptor.hpp"
#endif

namespace mlts::MLTS_ISA {

extern const Kernels<float> singleKernels{
    descriptorKernels<float>,
    {tileRows, multiply<float>, output<float>, peak<float>},
};
extern const Kernels<double> doubleKernels{
    descriptorKernels<double>,
    {tileRows, multiply<double>, output<double>, peak<double>},
};

}  // namespace mlts::MLTS_ISA
