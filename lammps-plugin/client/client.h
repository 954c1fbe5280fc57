// SPDX-License-Identifier: GPL-2.0-or-later
// Asks one server for the energies and forces of one system, step after step. Fails closed: either a checked result of
// the very model it was opened with, or an Error. Waits asleep. Not for several threads.
#pragma once

#include <optional>
#include <string>

#include "client/socket.h"
#include "client/wire.h"

namespace mlts {

struct ClientOptions {
  std::string endpoint;
  std::string model;  // empty: the server's only one
  std::string precision = "single";
  double timeout = 60;         // s, for each evaluation, whatever happens in it
  double connectTimeout = 10;  // s, to find the server at the beginning
  std::optional<CurveKeys> keys;
};

class Client {
 public:
  // Says hello and finds the model. `name` is what the server logs.
  // Throws Error E_CONNECT, E_TIMEOUT, E_KEYS, E_ADDRESS, E_VERSION, E_MODEL_NOT_FOUND, E_PROTOCOL.
  Client(ClientOptions options, std::string name);
  ~Client();

  const Model& model() const { return model_; }
  const std::string& endpoint() const { return options_.endpoint; }

  // The result is valid until the next call. A busy server is asked again, a lost one waited for and, if it comes back
  // with the same model, asked anew, all until the time is up.
  // Throws Error with the server's code, or E_CONNECT, E_TIMEOUT, E_KEYS, E_HASH, E_NONFINITE, E_PROTOCOL.
  const Evaluation& evaluate(const Atoms& atoms, Want want);

  // How often the server was lost and found again.
  int recoveries() const { return recoveries_; }

 private:
  template <class Write>
  Reply ask(std::string_view type, Write&& write);
  template <class Attempt>
  void persist(double timeout, Attempt&& attempt);
  void hello();
  void open(const Atoms& atoms, Want want);
  void close();
  Error noAnswer(std::string_view type) const;

  ClientOptions options_;
  std::string name_;
  Socket socket_;
  Frame frame_;
  msgpack::Writer writer_;
  uint64_t nextId_ = 1;
  Model model_;
  double timeout_ = 0;  // s, of the present call
  Deadline deadline_;   // of the present call
  std::optional<uint64_t> session_;
  Want sessionWant_ = 0;
  std::optional<std::array<bool, 3>> sessionPbc_;     // none for domains
  std::optional<std::array<double, 9>> sessionCell_;  // none where the server's is not known
  bool renumber_ = false;                             // the session's atoms may not be those of the step
  Evaluation evaluation_;
  int recoveries_ = 0;
};

}  // namespace mlts
