#include "pool.hpp"

#include <chrono>

namespace mlts {
namespace {

inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Phases of one evaluation follow each other within microseconds; a futex sleep and wake costs tens of them.
// Beyond this the processor belongs to somebody else.
constexpr auto spinTime = std::chrono::microseconds(40);

template <class Ready>
bool spinUntil(Ready ready) {
  const auto end = std::chrono::steady_clock::now() + spinTime;
  do {
    for (int i = 0; i < 64; i++) {
      if (ready()) return true;
      relax();
    }
  } while (std::chrono::steady_clock::now() < end);
  return ready();
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  for (int t = 1; t < threads; t++) workers_.emplace_back([this, t] { work(t); });
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void ThreadPool::wake() {
  if (sleeping_.load() == 0) return;
  {
    std::lock_guard lock(mutex_);
  }  // nobody is between its last look at state_ and its sleep
  wake_.notify_all();
}

void ThreadPool::run(const std::function<void(int)>& body) {
  body_ = &body;
  const std::uint64_t number = (state_.load(std::memory_order_relaxed) & ~(inside | open)) + region;
  state_.store(number | open);
  wake();
  std::exception_ptr mine;
  try {
    body(0);
  } catch (...) {
    mine = std::current_exception();
  }
  // No tasks are left: close the door, wait for those who are inside.
  state_.fetch_and(~open);
  const auto left = [this] { return (state_.load(std::memory_order_acquire) & inside) == 0; };
  while (!spinUntil(left)) std::this_thread::yield();
  std::exception_ptr theirs;
  {
    std::lock_guard lock(mutex_);
    std::swap(theirs, failure_);
  }
  if (mine) std::rethrow_exception(mine);
  if (theirs) std::rethrow_exception(theirs);
}

// Joins an open region that this worker has not seen.
bool ThreadPool::enter(std::uint64_t& seen) {
  std::uint64_t state = state_.load(std::memory_order_acquire);
  while ((state & open) != 0 && (state & ~(inside | open)) != seen) {
    if (!state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel)) continue;
    seen = state & ~(inside | open);
    return true;
  }
  return false;
}

void ThreadPool::work(int thread) {
  std::uint64_t seen = 0;
  for (;;) {
    bool entered = false;
    const auto ready = [&] {
      if (stop_.load(std::memory_order_relaxed)) return true;
      entered = enter(seen);
      return entered;
    };
    if (!spinUntil(ready)) {
      std::unique_lock lock(mutex_);
      sleeping_++;
      if (!ready()) wake_.wait(lock);
      sleeping_--;
    }
    if (stop_.load(std::memory_order_relaxed)) return;
    if (!entered) continue;
    try {
      (*body_)(thread);
    } catch (...) {
      std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
    }
    state_.fetch_sub(1, std::memory_order_acq_rel);
  }
}

}  // namespace mlts
