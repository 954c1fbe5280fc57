// SPDX-License-Identifier: GPL-2.0-or-later
#include "meeting.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <thread>

namespace mlts {

// On each node. Rank 0 waits until the others are in, then for the other nodes, then lets all out.
struct Meeting::Room {
  pthread_mutex_t door;
  pthread_cond_t complete;
  pthread_cond_t over;
  int waiting;         // ranks but rank 0
  unsigned long held;  // meetings that are over

  Room() : waiting(0), held(0) {
    pthread_mutexattr_t mutex;
    pthread_mutexattr_init(&mutex);
    pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&door, &mutex);
    pthread_mutexattr_destroy(&mutex);
    pthread_condattr_t condition;
    pthread_condattr_init(&condition);
    pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED);
    pthread_cond_init(&complete, &condition);
    pthread_cond_init(&over, &condition);
    pthread_condattr_destroy(&condition);
  }
};

Meeting::Meeting(MPI_Comm world) {
  int all, me;
  MPI_Comm_size(world, &all);
  MPI_Comm_rank(world, &me);
  if (all == 1) return;
  MPI_Comm_split_type(world, MPI_COMM_TYPE_SHARED, me, MPI_INFO_NULL, &node_);
  MPI_Comm_rank(node_, &rank_);
  MPI_Comm_size(node_, &ranks_);
  MPI_Comm_split(world, rank_ == 0 ? 0 : MPI_UNDEFINED, me, &leaders_);
  void* memory;
  MPI_Win_allocate_shared(rank_ == 0 ? sizeof(Room) : 0, 1, MPI_INFO_NULL, node_, static_cast<void*>(&memory),
                          &window_);
  MPI_Aint size;
  int unit;
  MPI_Win_shared_query(window_, 0, &size, &unit, static_cast<void*>(&memory));
  room_ = rank_ == 0 ? new (memory) Room : static_cast<Room*>(memory);
  MPI_Barrier(node_);
}

Meeting::~Meeting() {
  if (!room_) return;
  MPI_Win_free(&window_);
  if (leaders_ != MPI_COMM_NULL) MPI_Comm_free(&leaders_);
  MPI_Comm_free(&node_);
}

void Meeting::wait() {
  if (!room_) return;
  pthread_mutex_lock(&room_->door);
  if (rank_ == 0) {
    while (room_->waiting < ranks_ - 1) pthread_cond_wait(&room_->complete, &room_->door);
    room_->waiting = 0;
    pthread_mutex_unlock(&room_->door);
    waitForNodes();
    pthread_mutex_lock(&room_->door);
    room_->held++;
    pthread_cond_broadcast(&room_->over);
  } else {
    const unsigned long before = room_->held;
    if (++room_->waiting == ranks_ - 1) pthread_cond_signal(&room_->complete);
    while (room_->held == before) pthread_cond_wait(&room_->over, &room_->door);
  }
  pthread_mutex_unlock(&room_->door);
}

void Meeting::waitForNodes() {
  using Seconds = std::chrono::duration<double>;
  constexpr Seconds shortest(20e-6), longest(1e-3);
  MPI_Request request;
  MPI_Ibarrier(leaders_, &request);
  const auto start = std::chrono::steady_clock::now();
  for (int done = 0;;) {
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (done) return;
    const Seconds waited = std::chrono::steady_clock::now() - start;
    std::this_thread::sleep_for(std::clamp(waited / 64, shortest, longest));
  }
}

}  // namespace mlts
