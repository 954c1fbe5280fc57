// SPDX-License-Identifier: GPL-2.0-or-later
#include "client/client.h"

#include <algorithm>
#include <exception>
#include <thread>

namespace mlts {

namespace {

// The connection broke while an answer was awaited: what was asked is to be asked again.
struct Lost : std::exception {};

std::optional<std::array<bool, 3>> pbcOf(const Atoms& atoms) {
  return atoms.box ? std::optional(atoms.box->pbc) : std::nullopt;
}

std::string listed(const std::vector<Model>& models) {
  std::string text;
  for (const Model& model : models) text += (text.empty() ? "" : ", ") + model.name;
  return text.empty() ? "none" : text;
}

}  // namespace

Client::Client(ClientOptions options, std::string name)
    : options_(std::move(options)), name_(std::move(name)), socket_(options_.endpoint, options_.keys) {
  persist(options_.connectTimeout, [&] { hello(); });
}

Client::~Client() { close(); }

void Client::close() {
  if (!session_) return;
  writeClose(writer_, nextId_++, *session_);
  socket_.send(writer_.bytes());  // where it cannot, the server reclaims the idle session
  session_.reset();
}

// Tries until it succeeds, fails for good, or the time is up; busy servers get longer and longer pauses.
template <class Attempt>
void Client::persist(double timeout, Attempt&& attempt) {
  timeout_ = timeout;
  deadline_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(timeout));
  auto pause = std::chrono::milliseconds(1);
  bool interrupted = false;
  for (;;) {
    try {
      attempt();
      recoveries_ += interrupted;
      return;
    } catch (const Lost&) {
      session_.reset();
      interrupted = true;
    } catch (const Error& error) {
      const bool forgotten = error.code == "E_SESSION";
      if (forgotten) session_.reset();
      if (!forgotten && error.code != "E_BUSY" && error.code != "E_SHUTDOWN") throw;
      if (Clock::now() + pause >= deadline_) throw;
      std::this_thread::sleep_for(pause);
      pause = std::min(2 * pause, std::chrono::milliseconds(100));
    }
  }
}

Error Client::noAnswer(std::string_view type) const {
  const std::string& at = options_.endpoint;
  const std::string within = " within " + shown(timeout_) + " s";
  switch (socket_.link()) {
    case Socket::Link::never:
      return Error("E_CONNECT", "no server answers at " + at + within,
                   "Start one with `mlts serve --bind " + at + "`, or correct the endpoint");
    case Socket::Link::refused:
      return Error(
          "E_KEYS",
          "the server at " + at +
              " did not shake hands: keys that do not match or stand on one side only, or no mlts server",
          "Give the server's public key and a client key that its list allows (`mlts keys`), or correct the endpoint");
    case Socket::Link::down:
      return Error("E_CONNECT", "the server at " + at + " closed the connection and did not come back" + within,
                   "Look at its log, start it again, and continue from the last restart file");
    case Socket::Link::up:
      break;
  }
  return Error("E_TIMEOUT", "the server at " + at + " did not answer '" + std::string(type) + "'" + within,
               "Look at its load and log, or raise `timeout`");
}

// Sends what write(id) put into the writer and waits for the reply to it.
template <class Write>
Reply Client::ask(std::string_view type, Write&& write) {
  if (socket_.lost()) throw Lost();
  const uint64_t id = nextId_++;
  write(id);
  if (!socket_.send(writer_.bytes())) {
    throw Error("E_CONNECT", "requests to " + options_.endpoint + " pile up unsent", "Look whether the server runs");
  }
  for (;;) {
    switch (socket_.receive(frame_, deadline_)) {
      case Socket::Event::lost:
        throw Lost();
      case Socket::Event::deadline:
        throw noAnswer(type);
      case Socket::Event::frame:
        break;
    }
    const Reply reply(frame_.bytes());
    if (reply.id() && *reply.id() != id) continue;  // the answer to a request that was given up
    if (reply.isError()) throw reply.error();
    reply.expect(type);
    return reply;
  }
}

void Client::hello() {
  const Reply reply = ask("hello", [&](uint64_t id) { writeHello(writer_, id, name_); });
  if (reply.version() != protocolVersion) {
    throw Error("E_VERSION",
                "the server at " + options_.endpoint + " speaks protocol version " + std::to_string(reply.version()) +
                    ", this plug-in version " + std::to_string(protocolVersion),
                "Use a server and a plug-in of the same mlts version");
  }
  const std::vector<Model> models = reply.models();
  const auto& wanted = options_.model;
  if (wanted.empty() && models.size() != 1) {
    throw Error("E_MODEL_NOT_FOUND", "the server at " + options_.endpoint + " holds several models: " + listed(models),
                "Name one with `model`");
  }
  const auto found = std::find_if(models.begin(), models.end(),
                                  [&](const Model& model) { return wanted.empty() || model.name == wanted; });
  if (found == models.end()) {
    throw Error("E_MODEL_NOT_FOUND",
                "the server at " + options_.endpoint + " has no model '" + wanted + "'; it has " + listed(models),
                "Correct `model`, or start the server with that model");
  }
  model_ = *found;
}

void Client::open(const Atoms& atoms, Want want) {
  const Reply reply =
      ask("open", [&](uint64_t id) { writeOpen(writer_, id, model_, atoms, options_.precision, want); });
  session_ = reply.session();
  sessionWant_ = want;
  sessionPbc_ = pbcOf(atoms);
  sessionCell_.reset();
  renumber_ = false;
}

const Evaluation& Client::evaluate(const Atoms& atoms, Want want) {
  renumber_ = renumber_ || atoms.changed;
  if (sessionPbc_ != pbcOf(atoms)) close();  // for good when a session is opened
  persist(options_.timeout, [&] {
    if (!session_) open(atoms, want);
    const Atoms current{atoms.numbers, atoms.positions, renumber_, atoms.box, atoms.owned};
    const bool newCell = atoms.box && sessionCell_ != atoms.box->cell;
    // Unless the answer comes nobody knows what the server has taken.
    renumber_ = true;
    sessionCell_.reset();
    const Reply reply = ask("evaluate", [&](uint64_t id) {
      writeEvaluate(writer_, id, *session_, current, newCell,
                    want == sessionWant_ ? std::nullopt : std::optional(want));
    });
    if (reply.sha256() != model_.sha256) {
      throw Error("E_HASH",
                  "model '" + model_.name + "' at " + options_.endpoint + " was " + model_.sha256.substr(0, 12) +
                      " and is now " + reply.sha256().substr(0, 12),
                  "Start the run again with one model file, or serve the former one");
    }
    evaluation_ = reply.evaluation(want, atoms.numbers.size(), model_.members);
    renumber_ = false;
    if (atoms.box) sessionCell_ = atoms.box->cell;
  });
  return evaluation_;
}

}  // namespace mlts
