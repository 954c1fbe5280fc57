// SPDX-License-Identifier: GPL-2.0-or-later
#include "client/wire.h"

#include <cmath>

namespace mlts {

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "arrays travel little-endian and are read in place: this client needs a little-endian machine"
#endif

using msgpack::Kind;
using msgpack::Reader;
using msgpack::Value;
using msgpack::Writer;

namespace {

constexpr struct {
  Want bit;
  std::string_view name;
} wants[] = {{wantForces, "forces"},
             {wantVirial, "virial"},
             {wantEnergies, "energies"},
             {wantVirials, "virials"},
             {wantSigma, "sigma"},
             {wantMemberEnergies, "member_energies"},
             {wantForceDeviations, "force_deviations"}};

Error malformed(const std::string& cause) {
  return Error("E_PROTOCOL", "the server's reply is not of this protocol: " + cause,
               "Use a server and a plug-in of the same mlts version");
}

// The value of `key` among the encoded pairs of a map.
bool find(std::string_view pairs, std::string_view key, Value& value) {
  Reader reader(pairs);
  for (Value name; reader.next(name) && reader.next(value);) {
    if (name.kind == Kind::text && name.bytes == key) return true;
  }
  return false;
}

Value field(std::string_view pairs, std::string_view key, Kind kind) {
  Value value;
  if (!find(pairs, key, value)) throw malformed("no '" + std::string(key) + "'");
  if (value.kind != kind) throw malformed("'" + std::string(key) + "' is of the wrong type");
  return value;
}

double finiteField(std::string_view pairs, std::string_view key) {
  const double value = field(pairs, key, Kind::real).real;
  if (std::isfinite(value)) return value;
  throw Error("E_NONFINITE", "the server's '" + std::string(key) + "' is not finite",
              "Look at the configuration and at the server's log");
}

template <class T>
Array<T> finiteArray(std::string_view pairs, std::string_view key, std::size_t length) {
  const std::string_view bytes = field(pairs, key, Kind::binary).bytes;
  if (bytes.size() != length * sizeof(T)) {
    throw malformed("'" + std::string(key) + "' has " + std::to_string(bytes.size()) + " bytes instead of " +
                    std::to_string(length * sizeof(T)));
  }
  const Array<T> array(bytes);
  T zero = 0;  // stays 0 unless some element is infinite or NaN
  for (std::size_t i = 0; i < length; i++) zero += array[i] * T(0);
  if (zero == 0) return array;
  throw Error("E_NONFINITE", "the server's '" + std::string(key) + "' holds a value that is not finite",
              "Look at the configuration and at the server's log");
}

Model readModel(std::string_view pairs) {
  Model model;
  model.name = field(pairs, "name", Kind::text).bytes;
  model.sha256 = field(pairs, "sha256", Kind::text).bytes;
  model.cutoff = finiteField(pairs, "cutoff");
  model.reach = finiteField(pairs, "reach");
  const uint64_t members = field(pairs, "members", Kind::whole).whole;
  if (members < 1 || members > 1000) throw malformed("a model of " + std::to_string(members) + " members");
  model.members = static_cast<int>(members);
  Reader elements(field(pairs, "elements", Kind::array).bytes);
  for (Value element; elements.next(element);) {
    if (element.kind != Kind::whole || element.whole > 118)
      throw malformed("'elements' is not a list of atomic numbers");
    model.elements.push_back(static_cast<int>(element.whole));
  }
  if (!(model.cutoff > 0) || !(model.reach >= model.cutoff)) throw malformed("a model whose cutoff or reach is absurd");
  return model;
}

void writeHeader(Writer& writer, uint32_t fields, std::string_view type, uint64_t id) {
  writer.clear();
  writer.map(fields);
  writer.text("type"), writer.text(type);
  writer.text("id"), writer.whole(id);
}

void writeWant(Writer& writer, Want want) {
  uint32_t count = 0;
  for (const auto& entry : wants) count += (want & entry.bit) != 0;
  writer.text("want"), writer.array(count);
  for (const auto& entry : wants) {
    if (want & entry.bit) writer.text(entry.name);
  }
}

template <class Values>
void writeArray(Writer& writer, std::string_view key, const Values& values) {
  const std::size_t size = values.size() * sizeof(typename Values::value_type);
  writer.text(key);
  char* bytes = writer.binary(size);
  if (size > 0) std::memcpy(bytes, values.data(), size);
}

}  // namespace

Reply::Reply(std::string_view frame) {
  Reader reader(frame);
  Value map, value;
  if (!reader.next(map) || !reader.done() || map.kind != Kind::map) throw malformed("not one MessagePack map");
  fields_ = map.bytes;
  type_ = field(fields_, "type", Kind::text).bytes;
  if (find(fields_, "id", value)) {
    if (value.kind != Kind::whole) throw malformed("'id' is not an unsigned integer");
    id_ = value.whole;
  }
}

Error Reply::error() const {
  Value atom;
  const bool hasAtom = find(fields_, "atom", atom) && atom.kind == Kind::whole && atom.whole <= INT32_MAX;
  std::string remedy(field(fields_, "remedy", Kind::text).bytes);
  while (!remedy.empty() && remedy.back() == '.') remedy.pop_back();
  return Error(std::string(field(fields_, "code", Kind::text).bytes),
               std::string(field(fields_, "what", Kind::text).bytes), remedy,
               hasAtom ? static_cast<long>(atom.whole) : -1);
}

void Reply::expect(std::string_view type) const {
  if (type_ != type) throw malformed("'" + std::string(type_) + "' came in answer to '" + std::string(type) + "'");
}

uint64_t Reply::version() const { return field(fields_, "version", Kind::whole).whole; }
uint64_t Reply::session() const { return field(fields_, "session", Kind::whole).whole; }
std::string Reply::sha256() const { return std::string(field(fields_, "sha256", Kind::text).bytes); }

std::vector<Model> Reply::models() const {
  std::vector<Model> models;
  Reader list(field(fields_, "models", Kind::array).bytes);
  for (Value model; list.next(model);) {
    if (model.kind != Kind::map) throw malformed("'models' is not a list of maps");
    models.push_back(readModel(model.bytes));
  }
  return models;
}

Evaluation Reply::evaluation(Want want, std::size_t atoms, int members) const {
  const uint64_t natoms = field(fields_, "natoms", Kind::whole).whole;
  if (natoms != atoms) throw malformed(std::to_string(natoms) + " atoms instead of " + std::to_string(atoms));
  Evaluation out;
  out.energy = finiteField(fields_, "energy");
  if (want & wantForces) out.forces = finiteArray<double>(fields_, "forces", 3 * atoms);
  if (want & wantVirial) out.virial = finiteArray<double>(fields_, "virial", 9);
  if (want & wantEnergies) out.energies = finiteArray<double>(fields_, "energies", atoms);
  if (want & wantVirials) out.virials = finiteArray<double>(fields_, "virials", 9 * atoms);
  if (want & wantSigma) {
    out.sigma_energy = finiteField(fields_, "sigma_energy");
    out.sigma_energies = finiteArray<double>(fields_, "sigma_energies", atoms);
  }
  if (want & wantSigmaForces) out.sigma_forces = finiteArray<double>(fields_, "sigma_forces", atoms);
  if (want & wantMemberEnergies) out.member_energies = finiteArray<double>(fields_, "member_energies", members);
  if (want & wantForceDeviations) {
    out.force_deviations = finiteArray<float>(fields_, "force_deviations", 3 * atoms * members);
  }
  return out;
}

void writeHello(Writer& writer, uint64_t id, std::string_view client) {
  writeHeader(writer, 5, "hello", id);
  writer.text("version"), writer.whole(protocolVersion);
  writer.text("client"), writer.text(client);
  writer.text("units"), writer.map(2);
  writer.text("length"), writer.text("angstrom");
  writer.text("energy"), writer.text("eV");
}

void writeOpen(Writer& writer, uint64_t id, const Model& model, const Atoms& atoms, std::string_view precision,
               Want want) {
  writeHeader(writer, 8, "open", id);
  writer.text("model"), writer.text(model.name);
  writer.text("sha256"), writer.text(model.sha256);
  writeArray(writer, "numbers", atoms.numbers);
  if (atoms.box) {
    writer.text("pbc"), writer.array(3);
    for (const bool periodic : atoms.box->pbc) writer.boolean(periodic);
  }
  writer.text("precision"), writer.text(precision);
  writeWant(writer, want);
  if (!atoms.box) writer.text("domain"), writer.boolean(true);
}

void writeEvaluate(Writer& writer, uint64_t id, uint64_t session, const Atoms& atoms, bool newCell,
                   std::optional<Want> want) {
  const bool cell = newCell && atoms.box;
  const int fields = 4 + cell + atoms.changed + !atoms.box + want.has_value();
  writeHeader(writer, static_cast<uint32_t>(fields), "evaluate", id);
  writer.text("session"), writer.whole(session);
  writeArray(writer, "positions", atoms.positions);
  if (cell) writeArray(writer, "cell", atoms.box->cell);
  if (atoms.changed) writeArray(writer, "numbers", atoms.numbers);
  if (!atoms.box) writer.text("owned"), writer.whole(atoms.owned);
  if (want) writeWant(writer, *want);
}

void writeClose(Writer& writer, uint64_t id, uint64_t session) {
  writeHeader(writer, 3, "close", id);
  writer.text("session"), writer.whole(session);
}

}  // namespace mlts
