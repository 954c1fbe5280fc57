// SPDX-License-Identifier: GPL-2.0-or-later
// One evaluation of pair_style mlts; its set-up is in pair_mlts.cpp.
#include <algorithm>
#include <cstring>

#include "atom.h"
#include "comm.h"
#include "domain.h"
#include "error.h"
#include "neighbor.h"
#include "pair_mlts.h"
#include "ranks.h"

using namespace LAMMPS_NS;

mlts::Want PairMLTS::wanted(bool sigma) const {
  mlts::Want want = mlts::wantForces;
  if (vflag_global) want |= mlts::wantVirial;
  if (eflag_atom) want |= mlts::wantEnergies;
  if (vflag_atom || cvflag_atom) want |= mlts::wantVirials;
  if (sigma) want |= mlts::wantSigma;
  if (sigma) want |= whole_ ? mlts::wantSigmaForces : mlts::wantForceDeviations | mlts::wantMemberEnergies;
  return want;
}

// LAMMPS' box, the rows of directions without images as unit vectors. In two dimensions there are no images along z.
mlts::Box PairMLTS::box() const {
  const bool x = domain->xperiodic, y = domain->yperiodic, z = domain->zperiodic && domain->dimension == 3;
  mlts::Box box{{1, 0, 0, 0, 1, 0, 0, 0, 1}, {x, y, z}};
  if (x) box.cell[0] = domain->xprd;
  if (y) box.cell[3] = domain->xy, box.cell[4] = domain->yprd;
  if (z) box.cell[6] = domain->xz, box.cell[7] = domain->yz, box.cell[8] = domain->zprd;
  return box;
}

// The server names an atom by its number in the request; its user knows it by ID. `place`: in this rank's selection, −1
// where the atom is another rank's.
std::string PairMLTS::noteOnAtom(long number, long place) const {
  if (place < 0 || place >= static_cast<long>(selection_.index().size()) || !atom->tag_enable) return "";
  const int i = selection_.index()[place];
  return " (atom " + std::to_string(number) + " is LAMMPS atom " + std::to_string(atom->tag[i]) + " of type " +
         std::to_string(atom->type[i]) + ")";
}

void PairMLTS::compute(int eflag, int vflag) {
  ev_init(eflag, vflag);
  if (!checked_) checkRun();
  // `compute pair` reads pvector on steps that tally the energy only, `fix pair` sets its flag before each step on
  // which it reads: on all other steps nobody can ask for the uncertainty, and the server is spared the members'
  // forces.
  const bool sigma = options_.sigma && (eflag_global || sigmaForceFlag_ || sigmaEnergyFlag_);

  const mlts::RankAtoms atoms{atom->x, atom->type, atom->nlocal, whole_ ? 0 : atom->nghost};
  const bool rebuilt = neighbor->ago == 0;
  changed_ |= selection_.choose(atoms, numberOf_, model_.reach + neighbor->skin, rebuilt || changed_);
  selection_.locate(atoms);
  const mlts::Evaluation* evaluation = whole_ && comm->nprocs > 1 ? askForAll(wanted(sigma)) : ask(wanted(sigma));
  if (evaluation) add(*evaluation);
  warnOfRecovery();
  sigmaFresh_ = sigma;
  if (sigma) updateSigma(evaluation);
}

// For this rank alone: of the whole system, or of a domain.
const mlts::Evaluation* PairMLTS::ask(mlts::Want want) {
  const mlts::Evaluation* evaluation = nullptr;
  together([&] {
    if (selection_.owned() == 0) return;
    const mlts::Atoms atoms{selection_.numbers(), selection_.positions(), changed_,
                            whole_ ? std::optional(box()) : std::nullopt, selection_.owned()};
    try {
      evaluation = &client_->evaluate(atoms, want);
    } catch (const mlts::Error& failure) {
      throw failure.annotated(noteOnAtom(failure.atom, failure.atom));
    }
    changed_ = false;
  });
  return evaluation;
}

// For all ranks, through rank 0.
const mlts::Evaluation* PairMLTS::askForAll(mlts::Want want) {
  gathered_.gather(selection_, changed_);
  changed_ = false;
  if (gathered_.atoms() == 0) return nullptr;
  const mlts::Evaluation* whole = nullptr;
  long blamed = -1;
  const std::string cause = mlts::agree(world, meeting_, [&] {
    if (comm->me != 0) return;
    try {
      whole = &client_->evaluate({gathered_.numbers(), gathered_.positions(), gathered_.changed(), box()}, want);
    } catch (const mlts::Error& failure) {
      blamed = failure.atom;
      throw;
    }
  });
  if (!cause.empty()) {
    MPI_Bcast(&blamed, 1, MPI_LONG, 0, world);
    const std::string note = noteOnAtom(blamed, gathered_.mine(blamed));
    error->all(FLERR, cause + mlts::fromAny(world, note));
  }
  evaluation_ = gathered_.scatter(whole, want);
  return &evaluation_;
}

void PairMLTS::add(const mlts::Evaluation& evaluation) {
  const std::vector<int>& index = selection_.index();
  const double unit = energyUnit_;
  for (std::size_t k = 0; k < index.size(); k++) {
    double* f = atom->f[index[k]];
    for (int c = 0; c < 3; c++) f[c] += unit * evaluation.forces[3 * k + c];
  }
  if (eflag_global) eng_vdwl += unit * evaluation.energy;
  if (eflag_atom) {
    for (std::size_t k = 0; k < selection_.owned(); k++) eatom[index[k]] += unit * evaluation.energies[k];
  }
  // LAMMPS' order is xx yy zz xy xz yz, then yx zx zy where the tensor need not be symmetric.
  constexpr int place[9] = {0, 4, 8, 1, 2, 5, 3, 6, 7}, mirrored[6] = {0, 4, 8, 3, 6, 7};
  if (vflag_global && evaluation.virial.size() > 0) {  // of the whole it is rank 0's
    const auto& w = evaluation.virial;
    for (int c = 0; c < 6; c++) virial[c] += 0.5 * unit * (w[place[c]] + w[mirrored[c]]);
  }
  const auto& w = evaluation.virials;
  for (std::size_t k = 0; vflag_atom && k < index.size(); k++) {
    for (int c = 0; c < 6; c++) vatom[index[k]][c] += 0.5 * unit * (w[9 * k + place[c]] + w[9 * k + mirrored[c]]);
  }
  for (std::size_t k = 0; cvflag_atom && k < index.size(); k++) {
    for (int c = 0; c < 9; c++) cvatom[index[k]][c] += unit * w[9 * k + place[c]];
  }
}

void PairMLTS::warnOfRecovery() {
  if (client_->recoveries() == recoveries_) return;
  recoveries_ = client_->recoveries();
  error->warning(FLERR, "mlts: the server at " + client_->endpoint() +
                            " went away and came back with the same model; the run continues");
}

/* ---- uncertainty ---- */

void PairMLTS::updateSigma(const mlts::Evaluation* evaluation) {
  const int members = whole_ ? 0 : model_.members;
  uncertainty_.clear(static_cast<std::size_t>(atom->nlocal) + atom->nghost);
  if (evaluation) uncertainty_.take(*evaluation, selection_.index(), energyUnit_);
  if (!whole_) {
    comm->reverse_comm(this);
    uncertainty_.finish(atom->nlocal);
  }

  // Sums over ranks: each member's energy of the domains, Σ σ_F, atoms above the threshold, atoms.
  std::vector<double> mine(members + 3, 0.0), all(members + 3);
  double most = 0, mostOfAll = 0;
  for (int m = 0; evaluation && m < members; m++) mine[m] = energyUnit_ * evaluation->member_energies[m];
  for (std::size_t k = 0; k < selection_.owned(); k++) {
    const double sigma = uncertainty_.forces()[selection_.index()[k]];
    most = std::max(most, sigma);
    mine[members] += sigma;
    mine[members + 1] += sigma > threshold_;
    mine[members + 2] += 1;
  }
  MPI_Allreduce(mine.data(), all.data(), members + 3, MPI_DOUBLE, MPI_SUM, world);
  MPI_Allreduce(&most, &mostOfAll, 1, MPI_DOUBLE, MPI_MAX, world);

  // `compute pair` sums over ranks what it reads here.
  std::fill(pvector, pvector + extraNumbers, 0.0);
  if (comm->me != 0) return;
  pvector[0] = mostOfAll;
  pvector[1] =
      whole_ ? (evaluation ? energyUnit_ * evaluation->sigma_energy : 0.0) : mlts::sampleDeviation(all.data(), members);
  pvector[2] = all[members + 2] > 0 ? all[members] / all[members + 2] : 0.0;
  pvector[3] = all[members + 1];
}

int PairMLTS::pack_reverse_comm(int n, int first, double* buf) { return uncertainty_.pack(n, first, buf); }
void PairMLTS::unpack_reverse_comm(int n, int* list, double* buf) { uncertainty_.unpack(n, list, buf); }

void* PairMLTS::extract(const char* name, int& dim) {
  dim = 0;
  if (options_.sigma && std::strcmp(name, "sigma_f_flag") == 0) return &sigmaForceFlag_;
  if (options_.sigma && std::strcmp(name, "sigma_e_flag") == 0) return &sigmaEnergyFlag_;
  return nullptr;
}

// Null for σ that the last evaluation did not bring: `fix pair` without its flag then stops with an error.
void* PairMLTS::extract_peratom(const char* name, int& columns) {
  columns = 0;
  if (sigmaFresh_ && std::strcmp(name, "sigma_f") == 0) return uncertainty_.forces().data();
  if (sigmaFresh_ && std::strcmp(name, "sigma_e") == 0) return uncertainty_.energies().data();
  return nullptr;
}

double PairMLTS::memory_usage() {
  return Pair::memory_usage() + static_cast<double>(selection_.bytes() + gathered_.bytes() + uncertainty_.bytes());
}
