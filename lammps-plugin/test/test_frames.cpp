// SPDX-License-Identifier: GPL-2.0-or-later
// Every golden frame of test/vectors/frames is read as the JSON beside it says; the requests that this client sends are
// the golden ones.
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "check.hpp"
#include "client/wire.h"

namespace {

using mlts::msgpack::Kind;
using mlts::msgpack::Reader;
using mlts::msgpack::Value;
using nlohmann_lmp::json;

struct Golden {
  json message;
  std::string bytes;
};

std::string unhex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

const std::map<std::string, Golden>& golden() {
  static const std::map<std::string, Golden> all = [] {
    std::map<std::string, Golden> frames;
    for (const auto& entry : std::filesystem::directory_iterator(MLTS_FRAMES)) {
      if (entry.path().extension() != ".json") continue;
      const json file = json::parse(std::ifstream(entry.path()));
      frames[file.at("name")] = {file.at("message"), unhex(file.at("hex"))};
    }
    if (frames.empty()) throw std::runtime_error("no golden frames in " MLTS_FRAMES);
    return frames;
  }();
  return all;
}

template <class T>
bool sameArray(std::string_view bytes, const json& want) {
  const mlts::Array<T> got(bytes);
  if (bytes.size() != want.size() * sizeof(T)) return false;
  for (std::size_t i = 0; i < want.size(); i++) {
    if (got[i] != want[i].get<T>()) return false;
  }
  return true;
}

// Whether a decoded value says what the JSON says; `key` tells the dtype of a binary.
bool same(const Value& value, const json& want, const std::string& key) {
  switch (value.kind) {
    case Kind::boolean:
      return want.is_boolean() && want.get<bool>() == value.boolean;
    case Kind::whole:
      return want.is_number_integer() && want.get<uint64_t>() == value.whole;
    case Kind::negative:
      return want.is_number_integer() && want.get<int64_t>() == value.negative;
    case Kind::real:
      return want.is_number() && want.get<double>() == value.real;
    case Kind::text:
      return want.is_string() && want.get<std::string>() == value.bytes;
    case Kind::binary:
      if (!want.is_array()) return false;
      if (key == "numbers") return sameArray<int32_t>(value.bytes, want);
      return key == "force_deviations" ? sameArray<float>(value.bytes, want) : sameArray<double>(value.bytes, want);
    case Kind::array: {
      if (!want.is_array() || want.size() != value.count) return false;
      Reader elements(value.bytes);
      for (const json& element : want) {
        Value got;
        if (!elements.next(got) || !same(got, element, key)) return false;
      }
      return elements.done();
    }
    case Kind::map: {
      if (!want.is_object() || want.size() != value.count) return false;
      Reader pairs(value.bytes);
      for (Value name, got; pairs.next(name) && pairs.next(got);) {
        const std::string text(name.bytes);
        if (!want.contains(text) || !same(got, want.at(text), text)) return false;
      }
      return pairs.done();
    }
    case Kind::nil:
    case Kind::extension:
      return false;
  }
  return false;
}

bool same(std::string_view bytes, const json& want) {
  Reader reader(bytes);
  Value value;
  return reader.next(value) && reader.done() && same(value, want, "");
}

const mlts::Model model{"ani-2x", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", {}, 2, 5.1, 5.1};

}  // namespace

TEST(every_frame_says_what_its_json_says) {
  for (const auto& [name, frame] : golden()) {
    const bool agrees = same(frame.bytes, frame.message);
    if (!agrees) std::printf("frame %s\n", name.c_str());
    CHECK(agrees);
  }
}

TEST(the_comparison_can_fail) {
  json other = golden().at("evaluate-domain-reply").message;
  other["forces"][2] = 1.0;
  CHECK(!same(golden().at("evaluate-domain-reply").bytes, other));
  other = golden().at("open-domain-request").message;
  other["want"][0] = "virial";
  CHECK(!same(golden().at("open-domain-request").bytes, other));
}

TEST(hello_is_the_golden_one) {
  mlts::msgpack::Writer writer;
  mlts::writeHello(writer, 1, "lammps 0.1.0");
  CHECK(writer.bytes() == golden().at("hello-request").bytes);
}

TEST(open_is_the_golden_one_and_insists_on_the_hash) {
  const std::vector<int32_t> numbers{8, 1, 1, 8};
  mlts::msgpack::Writer writer;
  mlts::writeOpen(writer, 300, model, {numbers, {}, false, std::nullopt, 0}, "double",
                  mlts::wantForces | mlts::wantVirial | mlts::wantMemberEnergies | mlts::wantForceDeviations);
  json want = golden().at("open-domain-request").message;
  want["sha256"] = model.sha256;
  CHECK(same(writer.bytes(), want));
}

TEST(evaluate_is_the_golden_one) {
  const std::vector<int32_t> numbers{8, 1, 1, 8};
  const std::vector<double> positions{0, 0, 0.119, 0, 0.763, -0.477, 0, -0.763, -0.477, 0, 0, 3};
  mlts::msgpack::Writer writer;
  mlts::writeEvaluate(writer, 70000, 8, {numbers, positions, false, std::nullopt, 3}, false, std::nullopt);
  CHECK(writer.bytes() == golden().at("evaluate-domain-request").bytes);

  mlts::writeEvaluate(writer, 70000, 8, {numbers, positions, true, std::nullopt, 3}, false,
                      mlts::wantForces | mlts::wantSigma);
  json want = golden().at("evaluate-domain-request").message;
  want["numbers"] = numbers;
  want["want"] = {"forces", "sigma"};
  CHECK(same(writer.bytes(), want));
}

TEST(a_whole_system_is_the_golden_one) {
  const std::vector<int32_t> numbers{8, 1, 1};
  const std::vector<double> positions{0, 0, 0.119, 0, 0.763, -0.477, 0, -0.763, -0.477};
  const mlts::Box box{{9.5, 0, 0, 0.25, 10, 0, -0.125, 0.5, 11}, {true, true, true}};
  mlts::msgpack::Writer writer;
  mlts::writeOpen(writer, 3, model, {numbers, positions, false, box}, "single",
                  mlts::wantForces | mlts::wantVirial | mlts::wantSigma | mlts::wantEnergies);
  json want = golden().at("open-request").message;
  want["want"] = {"forces", "virial", "energies", "sigma"};  // a set
  CHECK(same(writer.bytes(), want));

  mlts::writeEvaluate(writer, 4, 7, {numbers, positions, false, box}, true, std::nullopt);
  CHECK(writer.bytes() == golden().at("evaluate-session-request").bytes);
  mlts::writeEvaluate(writer, 4, 7, {numbers, positions, false, box}, false, std::nullopt);
  want = golden().at("evaluate-session-request").message;
  want.erase("cell");
  CHECK(same(writer.bytes(), want));
}

TEST(close_is_the_golden_one) {
  mlts::msgpack::Writer writer;
  mlts::writeClose(writer, 10, 7);
  CHECK(same(writer.bytes(), golden().at("close-request").message));
}

TEST(hello_reply_brings_the_models) {
  const mlts::Reply reply(golden().at("hello-reply").bytes);
  reply.expect("hello");
  CHECK(reply.version() == 1);
  const auto models = reply.models();
  CHECK(models.size() == 1 && models[0].name == "ani-2x" && models[0].members == 8);
  CHECK(models[0].elements == (std::vector<int>{1, 6, 7, 8, 16, 9, 17}));
  CHECK_CLOSE(models[0].reach, 5.1, 0, 0);
}

TEST(open_reply_brings_the_session) { CHECK(mlts::Reply(golden().at("open-reply").bytes).session() == 7); }

TEST(domain_reply_brings_the_arrays) {
  const Golden& frame = golden().at("evaluate-domain-reply");
  const mlts::Reply reply(frame.bytes);
  CHECK(reply.id() == 70000u);
  CHECK(reply.sha256() == model.sha256);
  const auto want = mlts::wantForces | mlts::wantVirial | mlts::wantMemberEnergies | mlts::wantForceDeviations;
  const mlts::Evaluation got = reply.evaluation(want, 4, 2);
  CHECK_CLOSE(got.energy, -2078, 0, 0);
  for (int i = 0; i < 12; i++) CHECK_CLOSE(got.forces[i], frame.message["forces"][i].get<double>(), 0, 0);
  for (int i = 0; i < 9; i++) CHECK_CLOSE(got.virial[i], frame.message["virial"][i].get<double>(), 0, 0);
  for (int i = 0; i < 24; i++) {
    CHECK_CLOSE(got.force_deviations[i], frame.message["force_deviations"][i].get<double>(), 0, 0);
  }
  CHECK_THROWS(reply.evaluation(want, 5, 2), "E_PROTOCOL");
  CHECK_THROWS(reply.evaluation(want, 4, 3), "E_PROTOCOL");
  CHECK_THROWS(reply.evaluation(want | mlts::wantEnergies, 4, 2), "E_PROTOCOL");
}

TEST(whole_reply_brings_sigma) {
  const Golden& frame = golden().at("evaluate-session-reply");
  const mlts::Reply reply(frame.bytes);
  const auto want = mlts::wantForces | mlts::wantVirial | mlts::wantEnergies | mlts::wantSigma;
  const mlts::Evaluation got = reply.evaluation(want | mlts::wantSigmaForces, 3, 2);
  CHECK_CLOSE(got.sigma_energy, frame.message["sigma_energy"].get<double>(), 0, 0);
  for (int i = 0; i < 3; i++) {
    CHECK_CLOSE(got.sigma_forces[i], frame.message["sigma_forces"][i].get<double>(), 0, 0);
    CHECK_CLOSE(got.sigma_energies[i], frame.message["sigma_energies"][i].get<double>(), 0, 0);
  }
}

TEST(a_domain_reply_brings_no_sigma_of_forces) {
  const mlts::Reply reply(golden().at("evaluate-domain-reply").bytes);
  CHECK_THROWS(reply.evaluation(mlts::wantSigmaForces, 4, 2), "E_PROTOCOL");
}

TEST(errors_bring_code_and_atom) {
  const mlts::Reply reply(golden().at("error-overlap").bytes);
  CHECK(reply.isError() && reply.id() == 4u);
  const mlts::Error error = reply.error();
  CHECK(error.code == "E_OVERLAP" && error.atom == 0);
  CHECK(std::string(error.what()).find("the least that ani-2x takes is 0.25 Å. Move them apart") != std::string::npos);
  CHECK(mlts::Reply(golden().at("error-busy").bytes).error().code == "E_BUSY");
  CHECK(!mlts::Reply(golden().at("error-without-id").bytes).id());
}

int main() { return check::main(); }
