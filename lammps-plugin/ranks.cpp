// SPDX-License-Identifier: GPL-2.0-or-later
#include "ranks.h"

#include <climits>
#include <exception>

namespace mlts {

namespace {

// One rank's text to all.
void share(MPI_Comm world, int from, std::string& text) {
  int length = static_cast<int>(text.size());
  MPI_Bcast(&length, 1, MPI_INT, from, world);
  text.resize(static_cast<std::size_t>(length));
  MPI_Bcast(text.data(), length, MPI_CHAR, from, world);
}

}  // namespace

std::string agree(MPI_Comm world, Meeting& meeting, const std::function<void()>& work) {
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
  meeting.wait();
  MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, world);
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
