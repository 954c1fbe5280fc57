#include "hipnn_pass.hpp"

namespace mlts {

#define MLTS_DECLARE_HIPNN(isa)                                                    \
  namespace isa {                                                                  \
  void makeHipnnPass(const HipnnLayout&, std::unique_ptr<HipnnPass<float>>& out);  \
  void makeHipnnPass(const HipnnLayout&, std::unique_ptr<HipnnPass<double>>& out); \
  }
MLTS_DECLARE_HIPNN(portable)
MLTS_DECLARE_HIPNN(avx2)
MLTS_DECLARE_HIPNN(avx512)
#undef MLTS_DECLARE_HIPNN

template <class T>
std::unique_ptr<HipnnPass<T>> HipnnPass<T>::create(const HipnnLayout& layout, const std::string& isa) {
  std::unique_ptr<HipnnPass<T>> pass;
#ifdef MLTS_X86
  if (isa == "avx512") {
    avx512::makeHipnnPass(layout, pass);
    return pass;
  }
  if (isa == "avx2") {
    avx2::makeHipnnPass(layout, pass);
    return pass;
  }
#endif
  (void)isa;
  portable::makeHipnnPass(layout, pass);
  return pass;
}

template class HipnnPass<float>;
template class HipnnPass<double>;

}  // namespace mlts
