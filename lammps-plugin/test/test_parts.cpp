// SPDX-License-Identifier: GPL-2.0-or-later
// What needs neither LAMMPS nor a server: arguments, endpoints, elements, units, key files, selection, uncertainty.
#include <filesystem>
#include <fstream>
#include <numeric>
#include <random>

#include "check.hpp"
#include "client/keys.h"
#include "elements.h"
#include "endpoint.h"
#include "options.h"
#include "selection.h"
#include "uncertainty.h"
#include "units.h"

namespace {

mlts::Options parse(std::vector<std::string> words) {
  std::vector<char*> arg;
  arg.reserve(words.size());
  for (std::string& word : words) arg.push_back(word.data());
  return mlts::parseOptions(static_cast<int>(arg.size()), arg.data());
}

const std::string at = "tcp://127.0.0.1:5588";

std::string keyFile(const std::vector<std::pair<std::string, std::string>>& keys) {
  std::string text = "{";
  for (const auto& [name, key] : keys) {
    text += text.size() > 1 ? ",\"" : "\"";
    text += name;
    text += "\":\"";
    text += key;
    text += '"';
  }
  return text + "}";
}

template <class T>
std::string bytesOf(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

}  // namespace

TEST(options_have_defaults_and_take_each_keyword) {
  const mlts::Options plain = parse({at});
  CHECK(plain.endpoint == at && plain.model.empty() && plain.precision == "single" && plain.sigma && !plain.threshold);
  CHECK_CLOSE(plain.timeout, 60, 0, 0);
  const mlts::Options full = parse({at, "sigma", "no", "model", "m", "timeout", "2.5", "precision", "double",
                                    "threshold", "1e-1", "keys", "k.json"});
  CHECK(!full.sigma && full.model == "m" && full.precision == "double" && full.keyFile == "k.json");
  CHECK_CLOSE(full.timeout, 2.5, 0, 0);
  CHECK_CLOSE(full.threshold.value_or(0), 0.1, 0, 0);
}

TEST(options_refuse_what_they_do_not_know) {
  const std::vector<std::vector<std::string>> wrong = {
      {},
      {"localhost"},
      {at, "modle", "m"},
      {at, "model"},
      {at, "model", "a", "model", "a"},
      {at, "timeout", "0"},
      {at, "timeout", "-1"},
      {at, "timeout", "nan"},
      {at, "timeout", "inf"},
      {at, "timeout", "1e9"},
      {at, "timeout", "5s"},
      {at, "timeout", ""},
      {at, "threshold", "0"},
      {at, "precision", "half"},
      {at, "sigma", "on"},
  };
  for (const auto& words : wrong) CHECK_THROWS(parse(words), "E_USAGE");
}

TEST(endpoints_expand_per_rank) {
  CHECK(mlts::endpointOf(at, 7, 3) == at);
  CHECK(mlts::endpointOf("ipc:///tmp/s-%r-%n", 7, 3) == "ipc:///tmp/s-7-3");
  CHECK(mlts::endpointOf("ipc://%n%n%r", 12, 0) == "ipc://0012");
  CHECK(mlts::endpointOf("tcp://a:1,tcp://b:2,tcp://c:3", 0, 0) == "tcp://a:1");
  CHECK(mlts::endpointOf("tcp://a:1,tcp://b:2,tcp://c:3", 4, 0) == "tcp://b:2");
  CHECK(mlts::endpointOf("ipc://a-%r,ipc://b-%r", 3, 0) == "ipc://b-3");
  for (const char* text : {"", ",", "tcp://a:1,", ",tcp://a:1", "tcp://a:1,,tcp://b:1"}) {
    CHECK_THROWS(mlts::endpointOf(text, 0, 0), "E_ADDRESS");
  }
  CHECK(mlts::namesNode("ipc:///tmp/%n") && !mlts::namesNode("ipc:///tmp/%r"));
}

TEST(elements_by_symbol_and_number) {
  CHECK(mlts::atomicNumber("H") == 1 && mlts::atomicNumber("Og") == 118 && mlts::atomicNumber("17") == 17);
  for (const char* text : {"", "h", "X", "0", "119", "-1", "1.0", "NULL", "Hx"}) CHECK(mlts::atomicNumber(text) == 0);
  CHECK(mlts::symbolOf(8) == "O" && mlts::symbolsOf({1, 6, 17}) == "H, C, Cl");
}

TEST(units_are_those_of_codata_2018) {
  CHECK_CLOSE(mlts::electronVoltIn("metal").value_or(0), 1, 0, 0);
  CHECK_CLOSE(mlts::electronVoltIn("real").value_or(0), 23.060547830619, 0, 1e-12);
  for (const char* style : {"lj", "si", "cgs", "electron", "micro", "nano", ""}) CHECK(!mlts::electronVoltIn(style));
}

TEST(key_files) {
  char folderName[] = "/tmp/mlts-keys-XXXXXX";
  const std::string folder = mkdtemp(folderName), path = folder + "/client.json";
  const std::string a = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", b = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6",
                    c(40, '0');
  std::ofstream(path) << "{\n  \"public\": \"" << a << "\",\n  \"secret\" : \"" << b << "\", \"server\":\"" << c
                      << "\"}\n";
  const mlts::CurveKeys keys = mlts::readKeyFile(path);
  CHECK(keys.clientPublic == a && keys.clientSecret == b && keys.serverPublic == c);
  CHECK_THROWS(mlts::readKeyFile(folder + "/none.json"), "E_KEYS");
  const std::string longKey = a + "x";
  for (const std::string& text : {std::string(), std::string("{}"), keyFile({{"public", a}, {"secret", b}}),
                                  keyFile({{"public", longKey}, {"secret", b}, {"server", c}}),
                                  keyFile({{"public", a}, {"secret", "1"}, {"server", c}})}) {
    std::ofstream(path) << text;
    CHECK_THROWS(mlts::readKeyFile(path), "E_KEYS");
  }
  std::filesystem::remove_all(folder);
}

TEST(selection_keeps_owned_atoms_then_near_ghosts_of_mapped_types) {
  // Owned: 0 (type 1), 1 (type 2, not mapped), 2 (type 3). Ghosts: near, far, near but not mapped, at the corner.
  std::vector<std::vector<double>> x{{0, 0, 0},   {9, 9, 9},  {1, 1, 1},    {1, 1, 5.9},
                                     {1, 1, 6.1}, {0, 0, -1}, {4.9, 4.9, 1}};
  std::vector<const double*> rows;
  rows.reserve(x.size());
  for (const auto& row : x) rows.push_back(row.data());
  std::vector<int> type{1, 2, 3, 1, 1, 2, 3};
  const mlts::RankAtoms atoms{rows.data(), type.data(), 3, 4};
  const std::vector<int32_t> numberOf{0, 1, 0, 8};
  mlts::Selection selection;
  CHECK(selection.choose(atoms, numberOf, 5, false));
  CHECK(selection.index() == (std::vector<int>{0, 2, 3}));  // the corner is √(3.9² + 3.9²) = 5.5 away
  CHECK(selection.owned() == 2);
  CHECK(selection.numbers() == (std::vector<int32_t>{1, 8, 1}));
  selection.locate(atoms);
  CHECK(selection.positions() == (std::vector<double>{0, 0, 0, 1, 1, 1, 1, 1, 5.9}));

  CHECK(!selection.choose(atoms, numberOf, 5, false));  // nothing changed
  x[3][2] = 7;
  CHECK(!selection.choose(atoms, numberOf, 5, false));  // moving is no change until the neighbours are rebuilt
  CHECK(selection.choose(atoms, numberOf, 5, true));
  CHECK(selection.index() == (std::vector<int>{0, 2}));
  type[1] = 1;  // as by fix atom/swap
  CHECK(selection.choose(atoms, numberOf, 5, false));
  CHECK(selection.owned() == 3);
  CHECK(selection.choose({rows.data(), type.data(), 3, 3}, numberOf, 5, false));  // a ghost less
  CHECK(selection.choose({rows.data(), type.data(), 2, 4}, numberOf, 5, false));  // an owned atom became a ghost
}

TEST(selection_of_a_rank_without_atoms_of_its_own_is_empty) {
  const double ghost[3] = {0, 0, 0};
  const double* rows[] = {ghost};
  const int type[] = {1};
  mlts::Selection selection;
  CHECK(selection.choose({rows, type, 0, 1}, {0, 1}, 5, true));
  CHECK(selection.owned() == 0 && selection.index().empty());
  CHECK(selection.choose({nullptr, nullptr, 0, 0}, {0, 1}, 5, true));
  CHECK(selection.index().empty());
}

TEST(uncertainty_of_split_atoms_is_that_of_the_whole) {
  // Three members; atom 0 is owned here, its ghost (index 1) carries the rest of its deviations.
  constexpr int members = 3;
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> deviations(members * 2 * 3);
  for (float& value : deviations) value = normal(random);
  const std::vector<double> sigmaEnergies{0.5, 0};
  const std::string deviationBytes = bytesOf(deviations), sigmaBytes = bytesOf(sigmaEnergies);
  mlts::Evaluation evaluation;
  evaluation.force_deviations = mlts::Array<float>(deviationBytes);
  evaluation.sigma_energies = mlts::Array<double>(sigmaBytes);

  mlts::Uncertainty uncertainty;
  uncertainty.setMembers(members);
  uncertainty.clear(2);
  uncertainty.take(evaluation, {0, 1}, 2.0);
  std::vector<double> buffer(uncertainty.width());
  CHECK(uncertainty.pack(1, 1, buffer.data()) == 9);
  const int owner[] = {0};
  uncertainty.unpack(1, owner, buffer.data());
  uncertainty.finish(1);

  double sum = 0;
  for (int m = 0; m < members; m++) {
    for (int c = 0; c < 3; c++) {
      const double d = 2.0 * (static_cast<double>(deviations[6 * m + c]) + deviations[6 * m + 3 + c]);
      sum += d * d;
    }
  }
  CHECK_CLOSE(uncertainty.forces()[0], std::sqrt(sum / (members - 1)), 0, 1e-12);
  CHECK_CLOSE(uncertainty.forces()[1], 0, 0, 0);
  CHECK_CLOSE(uncertainty.energies()[0], 1.0, 0, 0);
}

TEST(one_member_is_certain) {
  mlts::Uncertainty uncertainty;
  uncertainty.setMembers(1);
  uncertainty.clear(4);
  uncertainty.finish(4);
  for (const double sigma : uncertainty.forces()) CHECK_CLOSE(sigma, 0, 0, 0);
  const double values[] = {3, 5, 10};
  CHECK_CLOSE(mlts::sampleDeviation(values, 1), 0, 0, 0);
  CHECK_CLOSE(mlts::sampleDeviation(values, 3), std::sqrt(13.0), 0, 1e-14);
}

int main() { return check::main(); }
