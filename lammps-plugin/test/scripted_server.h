// SPDX-License-Identifier: GPL-2.0-or-later
// A ROUTER in a thread that answers as a test tells it to.
#pragma once

#include <atomic>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <thread>

#include "client/wire.h"
#include "client/zmq_abi.h"

#if !defined(MLTS_SYSTEM_ZMQ_HEADER)
extern "C" {
int zmq_bind(void* socket, const char* endpoint);
int zmq_recv(void* socket, void* bytes, size_t length, int flags);
}
enum : int { ZMQ_ROUTER = 6, ZMQ_SNDMORE = 2 };
#endif

namespace scripted {

using mlts::msgpack::Reader;
using mlts::msgpack::Value;
using mlts::msgpack::Writer;

// A request's scalar fields by name.
struct Request {
  std::string type;
  uint64_t id = 0, session = 0, atoms = 0;
  bool hasNumbers = false, hasWant = false, hasCell = false, isDomain = false;
};

inline Request read(const std::string& frame) {
  Request request;
  Reader outer(frame);
  Value map;
  outer.next(map);
  Reader pairs(map.bytes);
  for (Value key, value; pairs.next(key) && pairs.next(value);) {
    if (key.bytes == "type") request.type = value.bytes;
    if (key.bytes == "id") request.id = value.whole;
    if (key.bytes == "session") request.session = value.whole;
    if (key.bytes == "numbers") request.hasNumbers = true;
    if (key.bytes == "numbers") request.atoms = value.bytes.size() / 4;
    if (key.bytes == "positions") request.atoms = value.bytes.size() / 24;
    if (key.bytes == "want") request.hasWant = true;
    if (key.bytes == "cell") request.hasCell = true;
    if (key.bytes == "domain" || key.bytes == "owned") request.isDomain = true;
  }
  return request;
}

inline const std::string hash(64, 'a');

inline void writeModel(Writer& w, const std::string& name) {
  w.map(6);
  w.text("name"), w.text(name);
  w.text("sha256"), w.text(hash);
  w.text("elements"), w.array(2), w.whole(1), w.whole(8);
  w.text("members"), w.whole(2);
  w.text("cutoff"), w.real(5);
  w.text("reach"), w.real(5);
}

inline void head(Writer& w, uint32_t fields, const Request& to) {
  w.clear();
  w.map(fields);
  w.text("type"), w.text(to.type);
  w.text("id"), w.whole(to.id);
}

inline std::string helloReply(const Request& to, uint64_t version = 1) {
  Writer w;
  head(w, 4, to);
  w.text("version"), w.whole(version);
  w.text("models"), w.array(1), writeModel(w, "soft");
  return std::string(w.bytes());
}

inline std::string openReply(const Request& to, uint64_t session = 1) {
  Writer w;
  head(w, 5, to);
  w.text("session"), w.whole(session);
  w.text("model"), writeModel(w, "soft");
  w.text("sha256"), w.text(hash);
  return std::string(w.bytes());
}

// Energy as given, forces 1, 2, 3, …
inline std::string evaluateReply(const Request& to, double energy = -1, const std::string& sha256 = hash) {
  Writer w;
  head(w, 6, to);
  w.text("sha256"), w.text(sha256);
  w.text("natoms"), w.whole(to.atoms);
  w.text("energy"), w.real(energy);
  char* forces = (w.text("forces"), w.binary(24 * to.atoms));
  for (uint64_t i = 0; i < 3 * to.atoms; i++) {
    const double value = static_cast<double>(i + 1);
    std::memcpy(forces + 8 * i, &value, 8);
  }
  return std::string(w.bytes());
}

inline std::string errorReply(const Request& to, const std::string& code) {
  Writer w;
  w.map(5);
  w.text("type"), w.text("error");
  w.text("id"), w.whole(to.id);
  w.text("code"), w.text(code);
  w.text("what"), w.text("the test says so");
  w.text("remedy"), w.text("See the test.");
  return std::string(w.bytes());
}

// The answers of a healthy server.
inline std::string healthy(const Request& to) {
  if (to.type == "hello") return helloReply(to);
  return to.type == "open" ? openReply(to) : evaluateReply(to);
}

// `script` gives the reply to each request, empty for none. A `stop` ends the server as a kill would.
class Server {
 public:
  using Script = std::function<std::string(const Request&)>;

  Server(const std::string& endpoint, Script script) : script_(std::move(script)) {
    context_ = zmq_ctx_new();
    socket_ = zmq_socket(context_, ZMQ_ROUTER);
    const int none = 0;
    zmq_setsockopt(socket_, ZMQ_LINGER, &none, sizeof none);
    bound_ = zmq_bind(socket_, endpoint.c_str()) == 0;
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    stop_ = true;
    thread_.join();
    zmq_close(socket_);
    zmq_ctx_term(context_);
  }
  bool bound() const { return bound_; }

 private:
  void serve() {
    std::string frame(1 << 20, '\0');
    char identity[256];
    while (!stop_) {
      zmq_pollitem_t item{socket_, 0, ZMQ_POLLIN, 0};
      if (zmq_poll(&item, 1, 10) <= 0) continue;
      const int identitySize = zmq_recv(socket_, identity, sizeof identity, 0);
      const int size = zmq_recv(socket_, &frame[0], frame.size(), 0);
      const std::string reply = script_(read(frame.substr(0, static_cast<std::size_t>(size))));
      if (reply.empty()) continue;
      zmq_send(socket_, identity, static_cast<std::size_t>(identitySize), ZMQ_SNDMORE);
      zmq_send(socket_, reply.data(), reply.size(), 0);
    }
  }

  Script script_;
  void* context_;
  void* socket_;
  bool bound_ = false;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace scripted
