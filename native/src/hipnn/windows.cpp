#include "windows.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace mlts {
namespace {

// A function below this part of its maximum is negligible.
template <class T>
constexpr double negligible = sizeof(T) == 4 ? 1e-8 : 1e-17;

// Pairs nearer than this part of the cutoff are few enough to have windows of their own.
constexpr double nearPart = 0.45;
// A bin that shrinks the distance by less than this with the window it begins with takes one function more.
constexpr double leastShrink = 0.93;
constexpr double step = 1.001;  // between trial distances
constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

template <class T>
Windows<T>::Windows(const HipnnModel& model)
    : blocks_(static_cast<int>(model.blocks.size())), layers_(static_cast<std::size_t>(model.members) * blocks_) {
  bins_.cutoff = static_cast<T>(model.cutoff);
  double top = 2 / model.cutoff;
  for (int m = 0; m < model.members; m++) {
    for (int b = 0; b < blocks_; b++) {
      Layer& layer = layers_[m * blocks_ + b];
      sort(layer, model, m, b);
      for (const Interval& range : layer.active)
        if (std::isfinite(range.end)) top = std::max(top, range.end);
    }
  }
  top = std::min(top, 10.0);
  chooseBins(top);
  for (Layer& layer : layers_) setWindows(layer, top);
}

template <class T>
void Windows<T>::sort(Layer& layer, const HipnnModel& model, int member, int block) const {
  const int n = model.sensitivities;
  const float* mu = model.blocks[block].mu + static_cast<std::size_t>(member) * n;
  const float* sigma = model.blocks[block].sigma + static_cast<std::size_t>(member) * n;
  layer.order.resize(n);
  std::iota(layer.order.begin(), layer.order.end(), 0);
  std::stable_sort(layer.order.begin(), layer.order.end(), [&](int a, int b) { return 1.0 / mu[a] < 1.0 / mu[b]; });
  const int length = n + 2 * blockWidth;
  T* const storage = layer.storage.reserve(3 * static_cast<std::size_t>(length));
  Sensitivity<T>& view = layer.view;
  view.count = n;
  view.cutoff = static_cast<T>(model.cutoff);
  view.inverseMu = storage;
  view.exponent = storage + length;
  view.slope = storage + 2 * length;
  const double reach = std::sqrt(-2 * std::log(negligible<T>));
  for (int k = 0; k < length; k++) {
    const double inverse = k < n ? 1.0 / mu[layer.order[k]] : infinity;
    const bool vanishes = !std::isfinite(inverse);
    const double width = vanishes ? 0 : sigma[layer.order[k]];
    storage[k] = vanishes ? T(0) : static_cast<T>(inverse);
    storage[length + k] = vanishes ? T(-1e6) : static_cast<T>(-0.5 * width * width * 1.44269504088896340736);
    storage[2 * length + k] = vanishes ? T(0) : static_cast<T>(width * width);
    if (k >= n) continue;
    const double half = reach / std::fabs(width);
    layer.active.push_back(vanishes ? Interval{infinity, -infinity} : Interval{inverse - half, inverse + half});
  }
}

template <class T>
typename Windows<T>::Range Windows<T>::Layer::window(double begin, double end) const {
  int first = -1, last = -1;
  for (int k = 0; k < static_cast<int>(active.size()); k++) {
    if (active[k].begin > end || active[k].end < begin) continue;
    if (first < 0) first = k;
    last = k;
  }
  return first < 0 ? Range{} : Range{first, last - first + 1};
}

template <class T>
int Windows<T>::widest(double begin, double end) const {
  int width = 0;
  for (const Layer& layer : layers_) width = std::max(width, layer.window(begin, end).width);
  return width;
}

// How far a bin that begins at 1/r = begin may go with windows of this width.
template <class T>
double Windows<T>::farthestEnd(double begin, int width) const {
  double end = begin;
  while (widest(begin, end * step) <= width) {
    end *= step;
    if (end > 1e3) return infinity;
  }
  return end;
}

template <class T>
void Windows<T>::chooseBins(double top) {
  const double start = 1 / static_cast<double>(bins_.cutoff);
  edges_ = {start};
  while (edges_.size() < maxBins && edges_.back() < std::min(top, start / nearPart)) {
    const double begin = edges_.back();
    const int width = widest(begin, begin);
    double end = farthestEnd(begin, width);
    if (end * leastShrink < begin) end = farthestEnd(begin, width + 1);
    edges_.push_back(end);
  }
  // A near pair costs about as much as half as many functions again in a bin.
  int nearWidth = 0;
  for (const Layer& layer : layers_)
    for (int k = 0; std::isfinite(edges_.back()) && k < nearCells; k++)
      nearWidth = std::max(nearWidth, cell(layer, k, edges_.back(), top).width);
  if (std::isfinite(edges_.back()) && 1.5 * nearWidth + 3 >= widest(edges_.back(), infinity))
    edges_.push_back(infinity);
  bins_.bins = static_cast<int>(edges_.size()) - 1;
  for (int q = 0; q < bins_.bins; q++) bins_.nearest[q] = static_cast<T>(1 / edges_[q + 1]);
}

template <class T>
typename Windows<T>::Range Windows<T>::cell(const Layer& layer, int index, double low, double top) const {
  const double size = (std::max(top, low) - low) / (nearCells - 1);
  return layer.window(low + (index - 0.1) * size, index == nearCells - 1 ? infinity : low + (index + 1.1) * size);
}

template <class T>
void Windows<T>::setWindows(Layer& layer, double top) const {
  Sensitivity<T>& view = layer.view;
  constexpr double slack = 1e-5;  // of distances in single precision
  for (int q = 0; q < bins_.bins; q++) {
    const Range window = layer.window(edges_[q] * (1 - slack), edges_[q + 1] * (1 + slack));
    view.first[q] = window.first;
    view.width[q] = window.width;
  }
  const double low = edges_.back();
  layer.nearFirst.assign(nearCells, 0);
  view.nearWidth = 0;
  view.nearLow = view.nearScale = 0;
  view.nearFirst = layer.nearFirst.data();
  if (!std::isfinite(low)) return;  // no near pairs
  for (int k = 0; k < nearCells; k++) view.nearWidth = std::max(view.nearWidth, cell(layer, k, low, top).width);
  for (int k = 0; k < nearCells; k++)
    layer.nearFirst[k] =
        static_cast<std::uint16_t>(std::min(cell(layer, k, low, top).first, view.count - view.nearWidth));
  view.nearLow = static_cast<T>(low);
  view.nearScale = static_cast<T>((nearCells - 1) / std::max(top - low, 1e-6));
}

template <class T>
std::size_t Windows<T>::bytes() const {
  std::size_t total = 0;
  for (const Layer& layer : layers_)
    total += layer.storage.bytes() + layer.nearFirst.capacity() * sizeof(std::uint16_t);
  return total;
}

template class Windows<float>;
template class Windows<double>;

}  // namespace mlts
