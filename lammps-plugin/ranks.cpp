// SPDX-License-Identifier: GPL-2.0-or-later
#include "ranks.h"

#include <algorithm>
#include <climits>
#include <exception>
#include <thread>

#if defined(__linux__)
#include <sys/prctl.h>
#endif

namespace mlts {

namespace {

using Seconds = std::chrono::duration<double>;

// Sleeps that end when they should: Linux rounds those of ordinary threads up by 50 µs.
class Naps {
 public:
#if defined(__linux__)
  Naps() : slack_(prctl(PR_GET_TIMERSLACK)) { prctl(PR_SET_TIMERSLACK, 1000UL); }
  ~Naps() { prctl(PR_SET_TIMERSLACK, static_cast<unsigned long>(slack_)); }

 private:
  int slack_;  // ns
#endif
};

// One rank's text to all.
void share(MPI_Comm world, int from, std::string& text) {
  int length = static_cast<int>(text.size());
  MPI_Bcast(&length, 1, MPI_INT, from, world);
  text.resize(static_cast<std::size_t>(length));
  MPI_Bcast(text.data(), length, MPI_CHAR, from, world);
}

}  // namespace

void Pace::wait(MPI_Request* request) {
  constexpr int spins = 50;  // most ranks are through within microseconds of each other
  constexpr Seconds shortest(20e-6), longest(1e-3);
  const auto start = std::chrono::steady_clock::now();
  int done = 0;
  for (int tries = 0; !done && tries < spins; tries++) MPI_Test(request, &done, MPI_STATUS_IGNORE);
  if (done) return;

  // To sleep too long costs the step, to sleep too little costs naps: short waits count at once, long ones slowly.
  const Naps precise;
  std::this_thread::sleep_for(0.75 * usual_);
  MPI_Test(request, &done, MPI_STATUS_IGNORE);
  if (done) {
    usual_ *= 0.5;
    return;
  }
  Seconds waited(0);
  while (!done) {
    waited = std::chrono::steady_clock::now() - start;
    std::this_thread::sleep_for(std::clamp(waited / 64, shortest, longest));
    MPI_Test(request, &done, MPI_STATUS_IGNORE);
  }
  usual_ = std::min(waited, 1.1 * usual_ + 5 * shortest);
}

std::string agree(MPI_Comm world, const std::function<void()>& work) {
  Pace unknown;
  return agree(world, work, unknown);
}

std::string agree(MPI_Comm world, const std::function<void()>& work, Pace& pace) {
  std::string cause;
  int ranks, rank;
  MPI_Comm_size(world, &ranks);
  MPI_Comm_rank(world, &rank);
  try {
    work();
  } catch (const std::exception& error) {
    cause = error.what();
    if (ranks > 1) cause += " (rank " + std::to_string(rank) + ")";
  }
  if (ranks == 1) return cause;

  int mine = cause.empty() ? INT_MAX : rank, first = INT_MAX;
  MPI_Request request;
  MPI_Iallreduce(&mine, &first, 1, MPI_INT, MPI_MIN, world, &request);
  pace.wait(&request);
  if (first == INT_MAX) return {};

  share(world, first, cause);
  return cause;
}

std::string fromAny(MPI_Comm world, const std::string& text) {
  int rank, owner;
  MPI_Comm_rank(world, &rank);
  const int mine = text.empty() ? -1 : rank;
  MPI_Allreduce(&mine, &owner, 1, MPI_INT, MPI_MAX, world);
  std::string found = text;
  if (owner >= 0) share(world, owner, found);
  return found;
}

bool sameOnAll(MPI_Comm world, const std::string& text) {
  std::string first = text;
  share(world, 0, first);
  const int same = first == text;
  int all;
  MPI_Allreduce(&same, &all, 1, MPI_INT, MPI_MIN, world);
  return all != 0;
}

int nodeNumber(MPI_Comm world) {
  MPI_Comm node;
  int rank, first, me;
  MPI_Comm_rank(world, &me);
  MPI_Comm_split_type(world, MPI_COMM_TYPE_SHARED, me, MPI_INFO_NULL, &node);
  MPI_Comm_rank(node, &rank);
  const int leader = rank == 0;
  MPI_Scan(&leader, &first, 1, MPI_INT, MPI_SUM, world);
  int number = first - 1;
  MPI_Bcast(&number, 1, MPI_INT, 0, node);
  MPI_Comm_free(&node);
  return number;
}

}  // namespace mlts
