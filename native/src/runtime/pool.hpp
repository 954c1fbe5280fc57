// The library's own threads. One parallel region at a time; a waiting thread spins briefly, then sleeps.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace mlts {

class ThreadPool {
 public:
  // threads ≥ 1, the caller of `run` being one of them.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Runs body(thread) once on every thread, thread = 0 … threads()−1; returns when all are done.
  // The first exception thrown by a body is thrown again here. Not reentrant.
  void run(const std::function<void(int thread)>& body);

  // body(i, thread) for 0 ≤ i < n, taken in runs of `grain` by whichever thread is free.
  template <class F>
  void forEach(std::size_t n, std::size_t grain, F&& body) {
    if (n == 0) return;
    if (n <= grain || threads() == 1) {
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
  void work(int thread);

  std::vector<std::thread> workers_;
  const std::function<void(int)>* body_ = nullptr;
  std::atomic<unsigned> generation_{0};
  std::atomic<int> running_{0};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::exception_ptr failure_;
};

}  // namespace mlts
