// SPDX-License-Identifier: GPL-2.0-or-later
// The messages of docs/protocol.md that an engine sends and gets. No input or output here.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/error.h"
#include "client/msgpack.h"

namespace mlts {

constexpr int protocolVersion = 1;

// A model as servers describe it. Å.
struct Model {
  std::string name;
  std::string sha256;
  std::vector<int> elements;  // atomic numbers
  int members = 0;
  double cutoff = 0;
  double reach = 0;  // how far ghosts must reach beyond every owned atom
};

// What to compute beside the energy: a set of bits.
using Want = unsigned;
constexpr Want wantForces = 1, wantVirial = 2, wantEnergies = 4, wantVirials = 8, wantSigma = 16,
               wantMemberEnergies = 32, wantForceDeviations = 64;
// Comes with wantSigma for whole systems, not for domains; never named in a request.
constexpr Want wantSigmaForces = 128;

// The lattice of a whole system.
struct Box {
  std::array<double, 9> cell;  // Å, rows are lattice vectors
  std::array<bool, 3> pbc;
};

// The atoms of one step: a whole system, which has a box, or a domain of owned atoms and then ghosts, which has none.
struct Atoms {
  const std::vector<int32_t>& numbers;   // [n] atomic numbers
  const std::vector<double>& positions;  // [n,3] Å
  bool changed;                          // the atoms are not those of the last evaluation, in its order
  std::optional<Box> box;
  std::size_t owned = 0;  // of a domain
};

// Elements of a binary, which need not be aligned.
template <class T>
class Array {
 public:
  Array() = default;
  explicit Array(std::string_view bytes) : bytes_(bytes) {}
  std::size_t size() const { return bytes_.size() / sizeof(T); }
  std::string_view bytes() const { return bytes_; }
  T operator[](std::size_t i) const {
    T value;
    std::memcpy(&value, bytes_.data() + i * sizeof(T), sizeof(T));
    return value;
  }

 private:
  std::string_view bytes_;
};

// Results of one step; arrays borrow the bytes of their reply. n atoms, M members.
struct Evaluation {
  double energy = 0;              // eV
  double sigma_energy = 0;        // eV
  Array<double> forces;           // [n,3] eV/Å
  Array<double> virial;           // [3,3] eV, W = −∂E/∂ε
  Array<double> energies;         // [n] eV
  Array<double> virials;          // [n,3,3] eV
  Array<double> sigma_energies;   // [n] eV
  Array<double> sigma_forces;     // [n] eV/Å, of a whole system
  Array<double> member_energies;  // [M] eV
  Array<float> force_deviations;  // [M,n,3] eV/Å
};

// Any reply, its fields by name. Borrows the bytes of its frame.
class Reply {
 public:
  // Throws Error E_PROTOCOL for bytes that are no reply of this protocol.
  explicit Reply(std::string_view frame);

  std::optional<uint64_t> id() const { return id_; }
  bool isError() const { return type_ == "error"; }
  // The error it is. Throws Error E_PROTOCOL where it is a malformed one.
  Error error() const;
  // The rest throw Error E_PROTOCOL where the field is missing or of another kind.
  void expect(std::string_view type) const;
  uint64_t version() const;
  uint64_t session() const;
  std::string sha256() const;
  std::vector<Model> models() const;
  // Checked: every wanted array is there, has n atoms' length and is finite (E_NONFINITE).
  Evaluation evaluation(Want want, std::size_t atoms, int members) const;

 private:
  std::string_view fields_;
  std::string_view type_;
  std::optional<uint64_t> id_;
};

// Each fills `writer` with one whole request.
void writeHello(msgpack::Writer& writer, uint64_t id, std::string_view client);
void writeOpen(msgpack::Writer& writer, uint64_t id, const Model& model, const Atoms& atoms, std::string_view precision,
               Want want);
// `numbers` only where atoms.changed, `cell` and `want` only where the session's are others.
void writeEvaluate(msgpack::Writer& writer, uint64_t id, uint64_t session, const Atoms& atoms, bool newCell,
                   std::optional<Want> want);
void writeClose(msgpack::Writer& writer, uint64_t id, uint64_t session);

}  // namespace mlts
