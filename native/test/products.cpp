// Products of the HIP-NN training pass, of one instruction set: right for every size, and nothing is read or written
// beyond the arrays, each of which ends where its page does and the next one is forbidden.
#include "../src/training/hipnn/products.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include "check.hpp"

namespace {

using namespace mlts::MLTS_ISA;

template <class T>
class Guarded {
 public:
  explicit Guarded(int count) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t used = (count * sizeof(T) + page - 1) / page * page;
    bytes_ = used + page;
    start_ = static_cast<char*>(mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(start_ + used, page, PROT_NONE);
    data = reinterpret_cast<T*>(start_ + used) - count;
    for (int i = 0; i < count; i++) data[i] = static_cast<T>(std::sin(count + 1.7 * i));
  }
  ~Guarded() { munmap(start_, bytes_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  T* data;

 private:
  char* start_;
  std::size_t bytes_;
};

template <class T>
void products(int n, int k, int m) {
  const Guarded<T> a(n * k), at(k * n), b(k * m), c(n * m), outer(n * m);
  const std::vector<T> start(c.data, c.data + n * m);
  std::vector<T> want = start, wantOuter = start;
  for (int i = 0; i < n; i++)
    for (int j = 0; j < m; j++)
      for (int p = 0; p < k; p++) {
        want[i * m + j] += a.data[i * k + p] * b.data[p * m + j];
        wantOuter[i * m + j] += at.data[p * n + i] * b.data[p * m + j];
      }
  product(n, k, m, a.data, k, b.data, m, c.data, m);
  outerProduct(k, n, m, at.data, n, b.data, m, outer.data, m);
  const Guarded<T> fresh(n * m), freshOuter(n * m);
  product<Into::fresh>(n, k, m, a.data, k, b.data, m, fresh.data, m);
  outerProduct<Into::fresh>(k, n, m, at.data, n, b.data, m, freshOuter.data, m);
  const double bound = (k + 1) * (sizeof(T) == 4 ? 1e-6 : 1e-15);
  for (int i = 0; i < n * m; i++) {
    CHECK_CLOSE(c.data[i], want[i], bound, 0);
    CHECK_CLOSE(outer.data[i], wantOuter[i], bound, 0);
    CHECK_CLOSE(fresh.data[i], want[i] - start[i], 2 * bound, 0);
    CHECK_CLOSE(freshOuter.data[i], wantOuter[i] - start[i], 2 * bound, 0);
  }
}

template <class T>
void rows(int count) {
  const Guarded<T> from(count), sum(count + 1), copy(count);
  const std::vector<T> start(sum.data, sum.data + count);
  addRow(from.data, count, sum.data);
  copyRow(from.data, count, copy.data);
  for (int i = 0; i < count; i++) {
    CHECK_CLOSE(sum.data[i], start[i] + from.data[i], 1e-6, 0);
    CHECK_CLOSE(copy.data[i], from.data[i], 0, 0);
  }
}

template <class T>
void inners(int count) {
  const Guarded<T> a(count), b(count);
  double want = 0;
  for (int i = 0; i < count; i++) want += static_cast<double>(a.data[i]) * static_cast<double>(b.data[i]);
  CHECK_CLOSE(inner(a.data, b.data, count), want, (count + 1) * (sizeof(T) == 4 ? 1e-6 : 1e-15), 0);
}

template <class T>
void everySize() {
  for (const int n : {1, 2, 3, 8, 11})
    for (int k = 1; k < 12; k++)
      for (int m = 1; m < 40; m++) products<T>(n, k, m);
  for (int count = 1; count < 70; count++) rows<T>(count);
  for (int count = lanes<T>; count < 5 * lanes<T>; count += lanes<T>) inners<T>(count);
}

TEST(products_in_float) { everySize<float>(); }
TEST(products_in_double) { everySize<double>(); }

}  // namespace

int main() {
#if defined(__AVX512F__)
  const bool runs = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
#elif defined(__AVX2__)
  const bool runs = __builtin_cpu_supports("avx2");
#else
  const bool runs = true;
#endif
  if (runs) return check::main();
  std::printf("this processor does not have the instructions\n");
  return 77;
}
