// The thread pool: every thread once, every index once, exceptions arrive, nothing hangs over many regions.
#include <atomic>
#include <stdexcept>

#include "../src/runtime/pool.hpp"
#include "check.hpp"

using namespace mlts;

TEST(every_thread_runs_once) {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    CHECK(pool.threads() == threads);
    for (int round = 0; round < 200; round++) {
      std::vector<std::atomic<int>> seen(threads);
      pool.run([&](int thread) { seen[thread]++; });
      for (int t = 0; t < threads; t++) CHECK(seen[t] == 1);
    }
  }
}

TEST(every_index_once) {
  ThreadPool pool(3);
  for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
    for (const std::size_t grain : {std::size_t{1}, std::size_t{8}}) {
      std::vector<std::atomic<int>> seen(n + 1);
      pool.forEach(n, grain, [&](std::size_t i, int) { seen[i]++; });
      for (std::size_t i = 0; i < n; i++) CHECK(seen[i] == 1);
      CHECK(seen[n] == 0);
    }
  }
}

TEST(exceptions_arrive_and_the_pool_goes_on) {
  ThreadPool pool(2);
  for (int round = 0; round < 50; round++) {
    bool caught = false;
    try {
      pool.run([&](int thread) {
        if (thread == round % 2) throw std::runtime_error("expected");
      });
    } catch (const std::runtime_error&) {
      caught = true;
    }
    CHECK(caught);
  }
  std::atomic<int> done{0};
  pool.run([&](int) { done++; });
  CHECK(done == 2);
}

int main() { return check::main(); }
