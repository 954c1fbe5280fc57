// SPDX-License-Identifier: GPL-2.0-or-later
#include "pair_mlts.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "atom.h"
#include "comm.h"
#include "elements.h"
#include "endpoint.h"
#include "error.h"
#include "force.h"
#include "memory.h"
#include "modify.h"
#include "neigh_list.h"
#include "neighbor.h"
#include "ranks.h"
#include "units.h"
#include "universe.h"
#include "update.h"

using namespace LAMMPS_NS;

namespace {

constexpr double connectTimeout = 10;  // s: long enough for a server that starts beside the job

}  // namespace

PairMLTS::PairMLTS(LAMMPS* lmp) : Pair(lmp), gathered_(world), meeting_(world) {
  one_coeff = 1;
  manybody_flag = 1;
  single_enable = 0;
  restartinfo = 0;
  respa_enable = 0;
  no_virial_fdotr_compute = 1;
  centroidstressflag = CENTROID_AVAIL;
  pvector = new double[extraNumbers];
  std::fill(pvector, pvector + extraNumbers, std::numeric_limits<double>::quiet_NaN());
}

PairMLTS::~PairMLTS() {
  delete[] pvector;
  if (!allocated) return;
  memory->destroy(setflag);
  memory->destroy(cutsq);
}

void PairMLTS::together(const std::function<void()>& work) {
  const std::string cause = mlts::agree(world, meeting_, work);
  if (!cause.empty()) error->all(FLERR, cause);
}

void PairMLTS::settings(int narg, char** arg) {
  together([&] { options_ = mlts::parseOptions(narg, arg); });
  connect();
  nextra = options_.sigma ? extraNumbers : 0;
  comm_reverse = options_.sigma ? 3 * model_.members : 0;
  sigmaFresh_ = false;
  changed_ = true;
  if (comm->me == 0) {
    utils::logmesg(lmp, "mlts: model " + model_.name + " (sha256 " + model_.sha256.substr(0, 12) + ", " +
                            std::to_string(model_.members) + " members, cutoff " + mlts::shown(model_.cutoff) +
                            " Angstrom, elements " + mlts::symbolsOf(model_.elements) + ") at " + client_->endpoint() +
                            (oneServer_ ? "\n" : " and others, a domain from each rank\n"));
  }
}

void PairMLTS::connect() {
  client_.reset();
  const int node = mlts::namesNode(options_.endpoint) ? mlts::nodeNumber(world) : 0;
  std::string endpoint;
  together([&] { endpoint = mlts::endpointOf(options_.endpoint, universe->me, node); });
  oneServer_ = mlts::sameOnAll(world, endpoint);
  together([&] {
    mlts::ClientOptions to;
    to.endpoint = endpoint;
    to.model = options_.model;
    to.precision = options_.precision;
    to.timeout = options_.timeout;
    to.connectTimeout = std::min(options_.timeout, connectTimeout);
    if (!options_.keyFile.empty()) to.keys = mlts::readKeyFile(options_.keyFile);
    client_ = std::make_unique<mlts::Client>(to, std::string("lammps " MLTS_VERSION " (LAMMPS ") + lmp->version + ")");
    model_ = client_->model();
  });
  std::string common = model_.sha256;
  common.resize(64, ' ');
  MPI_Bcast(common.data(), 64, MPI_CHAR, 0, world);
  together([&] {
    if (model_.sha256 == common) return;
    throw mlts::Error("E_HASH", "model '" + model_.name + "' at " + endpoint + " is not that of rank 0's server",
                      "Serve the same model file at every endpoint");
  });
  recoveries_ = 0;
}

void PairMLTS::coeff(int narg, char** arg) {
  const int ntypes = atom->ntypes;
  if (!allocated) {
    allocated = 1;
    memory->create(setflag, ntypes + 1, ntypes + 1, "pair:setflag");
    memory->create(cutsq, ntypes + 1, ntypes + 1, "pair:cutsq");
  }
  together([&] {
    const std::string remedy = "Write: pair_coeff * * ELEMENT..., one symbol, atomic number or NULL for each type";
    if (narg != 2 + ntypes) {
      throw mlts::Error("E_USAGE",
                        "pair_coeff names " + std::to_string(std::max(narg - 2, 0)) + " elements for " +
                            std::to_string(ntypes) + " atom types",
                        remedy);
    }
    if (std::strcmp(arg[0], "*") != 0 || std::strcmp(arg[1], "*") != 0) {
      throw mlts::Error("E_USAGE",
                        std::string("pair_coeff begins with '") + arg[0] + " " + arg[1] + "' instead of '* *'", remedy);
    }
    numberOf_.assign(ntypes + 1, 0);
    for (int type = 1; type <= ntypes; type++) {
      const std::string name = arg[1 + type];
      if (name == "NULL") continue;
      numberOf_[type] = mlts::atomicNumber(name);
      if (!numberOf_[type]) {
        throw mlts::Error("E_SPECIES", "'" + name + "' of atom type " + std::to_string(type) + " is not an element",
                          remedy);
      }
    }
    checkElements();
  });
  for (int i = 1; i <= ntypes; i++) {
    for (int j = i; j <= ntypes; j++) setflag[i][j] = numberOf_[i] && numberOf_[j];
  }
  changed_ = true;
}

void PairMLTS::checkElements() const {
  if (!client_) throw mlts::Error("E_USAGE", "pair_style mlts has no server", "Write a pair_style that succeeds first");
  const auto& known = model_.elements;
  for (std::size_t type = 1; type < numberOf_.size(); type++) {
    const int number = numberOf_[type];
    if (!number || std::find(known.begin(), known.end(), number) != known.end()) continue;
    throw mlts::Error("E_SPECIES",
                      "atom type " + std::to_string(type) + " is " + mlts::symbolOf(number) +
                          " (Z=" + std::to_string(number) + "), which model '" + model_.name + "' at " +
                          client_->endpoint() + " does not know; it knows " + mlts::symbolsOf(known),
                      "Correct pair_coeff, or serve a model with this element");
  }
}

void PairMLTS::init_style() {
  const auto unit = mlts::electronVoltIn(update->unit_style);
  together([&] {
    if (!unit) {
      throw mlts::Error("E_USAGE", std::string("pair_style mlts has no 'units ") + update->unit_style + "'",
                        "Use units metal or units real");
    }
    if (!force->newton_pair) {
      throw mlts::Error("E_USAGE", "pair_style mlts needs newton pair on, it is off",
                        "Write `newton on`: forces on ghost atoms must reach their owners");
    }
    checkElements();  // a second pair_style may have changed the model
  });
  const std::string mover = moverOfGhosts();
  if (oneServer_ && !mover.empty() && comm->me == 0)
    utils::logmesg(lmp, "mlts: " + mover + " moves ghost atoms by themselves, so each rank sends a domain\n");
  whole_ = oneServer_ && mover.empty();
  uncertainty_.setMembers(whole_ ? 0 : model_.members);
  changed_ = true;
  checked_ = false;
  energyUnit_ = unit.value_or(1.0);
  threshold_ = options_.threshold.value_or(mlts::defaultThreshold * energyUnit_);
  // Never built; LAMMPS' hybrid styles mark in it the type pairs that they give to others.
  neighbor->add_request(this, NeighConst::REQ_FULL | NeighConst::REQ_OCCASIONAL);
}

// Numerical derivatives by strain displace owned and ghost atoms and leave the box as it is: the whole cannot be told
// by owned atoms and box alone.
std::string PairMLTS::moverOfGhosts() const {
  if (!modify->get_fix_by_style("numdiff/virial").empty()) return "fix numdiff/virial";
  if (!modify->get_compute_by_style("born/matrix").empty()) return "compute born/matrix";
  return "";
}

double PairMLTS::init_one(int, int) { return model_.cutoff; }

// Once a run, when neighbour lists and communication are laid out. (Pair::setup is not called by `rerun`.)
void PairMLTS::checkRun() {
  together([&] {
    if (!whole_) checkGhosts();
    checkTypePairs();
  });
  if (comm->me == 0 && neighbor->exclude) {
    error->warning(FLERR, "pair_style mlts takes no part in neigh_modify exclude: all atoms of its types interact");
  }
  checked_ = true;
}

// Between two neighbour builds a ghost and an owned atom come closer by at most the skin.
void PairMLTS::checkGhosts() const {
  const double needed = model_.reach + neighbor->skin;
  const double have = comm->mode == Comm::SINGLE ? std::max(comm->cutghostuser, neighbor->cutneighmax)
                                                 : model_.cutoff + neighbor->skin;  // what every type is sure to have
  if (have >= needed) return;
  throw mlts::Error("E_USAGE",
                    "ghost atoms reach " + mlts::shown(have) + " Angstrom, model '" + model_.name + "' needs " +
                        mlts::shown(needed) + ": its reach of " + mlts::shown(model_.reach) +
                        " and the neighbor skin of " + mlts::shown(neighbor->skin),
                    "Write `comm_modify mode single cutoff " + mlts::shown(needed) + "`");
}

void PairMLTS::checkTypePairs() const {
  if (!list || !list->ijskip) return;
  for (int i = 1; i <= atom->ntypes; i++) {
    for (int j = i; j <= atom->ntypes; j++) {
      if (!numberOf_[i] || !numberOf_[j] || !list->ijskip[i][j]) continue;
      throw mlts::Error("E_USAGE",
                        "pair_style hybrid gives types " + std::to_string(i) + " and " + std::to_string(j) +
                            " to another style, but mlts needs all pairs of its types",
                        "Use hybrid/overlay, or NULL for a type that mlts does not own");
    }
  }
}
