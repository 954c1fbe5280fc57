// One thread that runs evaluations in the order they were asked for, so that Node's own threads never wait for one
// another and the pool is never oversubscribed; results return to the event loop through a thread-safe function.
#pragma once

#include <napi.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace mlts::bridge {

struct Job {
  std::function<void()> work;           // on the executor's thread; must not throw
  std::function<void(Napi::Env)> done;  // on the event loop afterwards
};

class Executor {
 public:
  explicit Executor(Napi::Env env)
      : settle_(Napi::ThreadSafeFunction::New(env, Napi::Function::New(env, [](const Napi::CallbackInfo&) {}), "mlts",
                                              0, 1)) {
    settle_.Unref(env);
    thread_ = std::thread([this] { run(); });
  }

  ~Executor() { stop(); }

  // On the event loop only. The loop stays alive until the job has settled.
  void submit(Napi::Env env, std::unique_ptr<Job> job) {
    if (pending_++ == 0) settle_.Ref(env);
    {
      std::lock_guard lock(mutex_);
      queue_.push_back(std::move(job));
    }
    wake_.notify_one();
  }

  void stop() {
    {
      std::lock_guard lock(mutex_);
      if (stopped_) return;
      stopped_ = true;
    }
    wake_.notify_one();
    thread_.join();
    settle_.Abort();
  }

 private:
  void run() {
    for (;;) {
      std::unique_ptr<Job> job;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return stopped_ || !queue_.empty(); });
        if (stopped_) return;
        job = std::move(queue_.front());
        queue_.pop_front();
      }
      job->work();
      const auto finish = [this](Napi::Env env, Napi::Function, Job* finished) {
        const std::unique_ptr<Job> owned(finished);
        if (env == nullptr) return;
        Napi::HandleScope scope(env);
        owned->done(env);
        if (--pending_ == 0) settle_.Unref(env);
      };
      Job* const finished = job.release();
      if (settle_.BlockingCall(finished, finish) != napi_ok) delete finished;  // the loop has gone
    }
  }

  Napi::ThreadSafeFunction settle_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::unique_ptr<Job>> queue_;
  bool stopped_ = false;
  int pending_ = 0;  // event loop only
};

}  // namespace mlts::bridge
