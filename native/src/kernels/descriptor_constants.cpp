#include "descriptor_constants.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "mlts/error.hpp"
#include "power_fit.hpp"

namespace mlts {
namespace {

// Symmetry functions below this count as zero. float: half an ulp of 1; double: far below one.
template <class T>
constexpr double negligible = sizeof(T) == 4 ? 1e-7 : 1e-18;
// exp(±x) within the range of T, with room for products of two.
template <class T>
constexpr double exponentLimit = sizeof(T) == 4 ? 80 : 600;
// Absolute error of h^(ζ−1), below the rounding of T. Only float takes a polynomial.
constexpr double powerTolerance = 3e-10;

constexpr int windowSections = 5;

std::vector<int> ascending(const std::vector<double>& values) {
  std::vector<int> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return values[a] < values[b]; });
  return order;
}

double reach(double eta, double tolerance) { return std::sqrt(-std::log(tolerance) / eta); }

void require(bool ok, const std::string& what) {
  if (!ok) throw Error("E_MODEL", what, "Check the descriptor section of the model file.");
}

}  // namespace

template <class T>
DescriptorConstants<T>::DescriptorConstants(const AniModel& model) {
  const auto positive = [](double x) { return std::isfinite(x) && x > 0; };
  require(!model.elements.empty(), "the model has no elements");
  require(positive(model.radialCutoff) && positive(model.angularCutoff), "a cutoff is not a positive number");
  require(model.angularCutoff <= model.radialCutoff, "the angular cutoff " + std::to_string(model.angularCutoff) +
                                                         " Å exceeds the radial one, " +
                                                         std::to_string(model.radialCutoff) + " Å");
  require(positive(model.etaR) && positive(model.etaA), "an eta is not a positive number");
  require(std::isfinite(model.zeta) && model.zeta >= 1, "zeta is " + std::to_string(model.zeta) + ", below 1");
  require(!model.shiftsR.empty() && !model.shiftsA.empty() && !model.sections.empty(),
          "a list of shifts or sections is empty");
  view_.elements = static_cast<int>(model.elements.size());
  view_.smoothCutoff = model.smoothCutoff;
  setRadial(model);
  setAngular(model);
  setPower(model);
  setSectionWindow(model);
  const int pairs = view_.elements * (view_.elements + 1) / 2;
  view_.blocks = view_.elements * view_.radialBlocks + pairs * view_.angularBlocks;
}

template <class T>
void DescriptorConstants<T>::setRadial(const AniModel& model) {
  view_.radialCutoff = static_cast<T>(model.radialCutoff);
  view_.etaR = static_cast<T>(model.etaR);
  view_.radialShifts = static_cast<int>(model.shiftsR.size());
  view_.radialBlocks = (view_.radialShifts + blockWidth - 1) / blockWidth;
  view_.radialReach = static_cast<T>(reach(model.etaR, negligible<T>));
  const double outOfReach = model.radialCutoff + std::sqrt(2 * exponentLimit<T> / model.etaR) * 4;
  T* shifts = shiftsR_.reserve(view_.radialBlocks * blockWidth);
  std::fill_n(shifts, view_.radialBlocks * blockWidth, static_cast<T>(outOfReach));
  std::copy(model.shiftsR.begin(), model.shiftsR.end(), shifts);
  require(std::is_sorted(model.shiftsR.begin(), model.shiftsR.end()), "the radial shifts are not ascending");
  view_.shiftsR = shifts;
}

template <class T>
void DescriptorConstants<T>::setAngular(const AniModel& model) {
  view_.angularCutoff = static_cast<T>(model.angularCutoff);
  view_.etaA = static_cast<T>(model.etaA);
  const int shellCount = view_.angularShifts = static_cast<int>(model.shiftsA.size());
  const int sectionCount = view_.sections = static_cast<int>(model.sections.size());
  view_.sectionStride = (sectionCount + 3) / 4 * 4;
  view_.angularBlocks = (shellCount * view_.sectionStride + blockWidth - 1) / blockWidth;
  view_.angularReach = static_cast<T>(reach(model.etaA, negligible<T>));

  sourceShell_ = ascending(model.shiftsA);
  sourceSection_ = ascending(model.sections);
  T* shifts = shiftsA_.reserve(shellCount);
  view_.shiftsA = shifts;
  const auto shift = [&](int a) { return model.shiftsA[sourceShell_[a]]; };
  for (int a = 0; a < shellCount; a++) shifts[a] = static_cast<T>(shift(a));

  constexpr double log2e = 1.44269504088896340736;
  view_.radialExponent = static_cast<T>(-model.etaR * log2e);
  view_.shellExponent = static_cast<T>(-model.etaA * log2e);

  const int padded = view_.sectionStride + blockWidth;
  T* cosine = cosZ_.reserve(padded);
  T* sine = sinZ_.reserve(padded);
  std::fill_n(cosine, padded, T(0));
  std::fill_n(sine, padded, T(0));
  for (int z = 0; z < sectionCount; z++) {
    cosine[z] = static_cast<T>(std::cos(model.sections[sourceSection_[z]]));
    sine[z] = static_cast<T>(std::sin(model.sections[sourceSection_[z]]));
  }
  double* half = halves_.reserve(2 * view_.sectionStride);
  for (int z = 0; z < view_.sectionStride; z++) {
    half[z] = z < sectionCount ? std::cos(model.sections[sourceSection_[z]]) / 2 : 0;
    half[view_.sectionStride + z] = z < sectionCount ? std::sin(model.sections[sourceSection_[z]]) / 2 : 0;
  }
  view_.halfCosZ = half;
  view_.halfSinZ = half + view_.sectionStride;
  view_.cosZ = cosine;
  view_.sinZ = sine;
}

template <class T>
void DescriptorConstants<T>::setPower(const AniModel& model) {
  view_.zeta = static_cast<T>(model.zeta);
  view_.power = 0;
  view_.polynomialDegree = -1;
  const bool whole = model.zeta == std::floor(model.zeta);
  if (sizeof(T) == 8 && !whole) return;
  const auto fit = fitPower(model.zeta - 1, powerTolerance);
  if (!fit) return;
  view_.power = fit->power;
  view_.smallestBase = static_cast<T>(std::pow(1e-24, 1 / model.zeta));
  view_.polynomialDegree = static_cast<int>(fit->polynomial.size()) - 1;
  T* polynomial = polynomial_.reserve(fit->polynomial.size());
  std::copy(fit->polynomial.begin(), fit->polynomial.end(), polynomial);
  view_.polynomial = polynomial;
}

// Sections b … b+4 serve the angles between ½(Z_{b−1} + Z_{b+4}) and ½(Z_b + Z_{b+5}): there the next section on
// either side is at least ½(Z_{b+5} − Z_b) away.
template <class T>
void DescriptorConstants<T>::setSectionWindow(const AniModel& model) {
  const int windows = view_.sections - windowSections;
  view_.sectionWindow = sizeof(T) == 4 && view_.sectionStride == 8 && windows > 0;
  std::fill_n(view_.windowThreshold, 3, T(-2));  // below any cosine
  for (int b = 0; b < windows && view_.sectionWindow; b++) {
    const double left = model.sections[sourceSection_[b]], right = model.sections[sourceSection_[b + windowSections]];
    const double h = (1 + std::cos((right - left) / 2)) / 2;
    const bool inRange = left >= 0 && model.sections[sourceSection_.back()] <= 3.14159265358979323846;
    view_.sectionWindow = inRange && std::pow(h, model.zeta) <= negligible<T>;
    view_.windowThreshold[b] = static_cast<T>(std::cos((left + right) / 2));
  }
}

template <class T>
int DescriptorConstants<T>::column(int block, int lane) const {
  const Descriptor<T>& d = view_;
  const int firstAngular = d.elements * d.radialBlocks;
  if (block < firstAngular) {
    const int shift = block % d.radialBlocks * blockWidth + lane;
    return shift < d.radialShifts ? block / d.radialBlocks * d.radialShifts + shift : -1;
  }
  const int pair = (block - firstAngular) / d.angularBlocks;
  const int inPair = (block - firstAngular) % d.angularBlocks * blockWidth + lane;
  const int shell = inPair / d.sectionStride, section = inPair % d.sectionStride;
  if (shell >= d.angularShifts || section >= d.sections) return -1;
  return d.elements * d.radialShifts + pair * d.angularShifts * d.sections + sourceShell_[shell] * d.sections +
         sourceSection_[section];
}

template class DescriptorConstants<float>;
template class DescriptorConstants<double>;

}  // namespace mlts
