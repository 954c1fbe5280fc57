// The thread pool: every index once, no thread number twice at a time, exceptions arrive, nothing hangs over many
// regions.
#include "../src/runtime/pool.hpp"

#include <atomic>
#include <chrono>
#include <stdexcept>

#include "check.hpp"

using namespace mlts;

TEST(every_index_once) {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    CHECK(pool.threads() == threads);
    for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
      for (const std::size_t grain : {std::size_t{1}, std::size_t{8}}) {
        std::vector<std::atomic<int>> seen(n + 1);
        pool.forEach(n, grain, [&](std::size_t i, int) { seen[i]++; });
        for (std::size_t i = 0; i < n; i++) CHECK(seen[i] == 1);
        CHECK(seen[n] == 0);
      }
    }
  }
}

TEST(a_thread_number_belongs_to_one_thread_at_a_time) {
  ThreadPool pool(3);
  std::vector<std::atomic<int>> inside(3);
  std::atomic<int> clashes{0};
  for (int round = 0; round < 2000; round++) {
    pool.forEach(16, 1, [&](std::size_t, int thread) {
      if (thread < 0 || thread >= 3 || inside[thread]++ != 0) clashes++;
      inside[thread]--;
    });
  }
  CHECK(clashes == 0);
}

TEST(threads_share_the_work) {
  ThreadPool pool(2);
  std::atomic<int> byOthers{0};
  for (int round = 0; round < 20; round++)
    pool.forEach(20, 1, [&](std::size_t, int thread) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      if (thread == 1) byOthers++;
    });
  CHECK(byOthers > 100);  // of 400
}

TEST(regions_after_a_pause_find_sleeping_threads) {
  ThreadPool pool(4);
  for (int round = 0; round < 50; round++) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::atomic<int> done{0};
    pool.forEach(100, 1, [&](std::size_t, int) { done++; });
    CHECK(done == 100);
  }
}

TEST(waking_without_work_is_harmless) {
  ThreadPool pool(3);
  for (int round = 0; round < 50; round++) {
    std::this_thread::sleep_for(std::chrono::microseconds(20 * round));
    pool.wake();
    std::atomic<int> done{0};
    if (round % 2) pool.forEach(10, 1, [&](std::size_t, int) { done++; });
    CHECK(done == (round % 2 ? 10 : 0));
  }
}

TEST(exceptions_arrive_and_the_pool_goes_on) {
  ThreadPool pool(2);
  for (std::size_t round = 0; round < 50; round++) {
    bool caught = false;
    try {
      pool.forEach(50, 1, [&](std::size_t i, int) {
        if (i == round) throw std::runtime_error("expected");
      });
    } catch (const std::runtime_error&) {
      caught = true;
    }
    CHECK(caught);
  }
  std::atomic<int> done{0};
  pool.forEach(50, 1, [&](std::size_t, int) { done++; });
  CHECK(done == 50);
}

int main() { return check::main(); }
