// The library's own threads. One parallel region at a time; a waiting thread spins briefly, then sleeps.
//
// A region is a number of tasks, and whoever is awake takes the next one. Its caller never waits for a thread that
// still sleeps: where the others are slow to come it does the work alone.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace mlts {

class ThreadPool {
 public:
  // threads ≥ 1, the caller of `forEach` being one of them.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Has sleeping threads on their way before the first region needs them; without work they soon sleep again.
  void wake();

  // body(i, thread) for 0 ≤ i < n, `grain` at a time, 0 ≤ thread < threads(); returns when all are done. The first
  // exception thrown by a body is thrown again here. Not reentrant.
  template <class F>
  void forEach(std::size_t n, std::size_t grain, F&& body) {
    if (n <= grain || workers_.empty()) {
      for (std::size_t i = 0; i < n; i++) body(i, 0);
      return;
    }
    std::atomic<std::size_t> next{0};
    run([&](int thread) {
      for (std::size_t begin; (begin = next.fetch_add(grain, std::memory_order_relaxed)) < n;)
        for (std::size_t i = begin; i < begin + grain && i < n; i++) body(i, thread);
    });
  }

 private:
  // Low bits: how many workers are inside the open region, and whether it is open; above them its number.
  static constexpr std::uint64_t inside = 0xffff, open = 0x10000, region = 0x20000;

  void run(const std::function<void(int thread)>& body);
  void work(int thread);
  bool enter(std::uint64_t& seen);

  std::vector<std::thread> workers_;
  const std::function<void(int)>* body_ = nullptr;
  std::atomic<std::uint64_t> state_{0};
  std::atomic<int> sleeping_{0};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::exception_ptr failure_;  // under mutex_
};

}  // namespace mlts
