// SPDX-License-Identifier: GPL-2.0-or-later
#include "client/socket.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "client/error.h"
#include "client/zmq_abi.h"

namespace mlts {

struct Frame::Message {
  zmq_msg_t handle;
};

Frame::Frame() : message_(std::make_unique<Message>()) { zmq_msg_init(&message_->handle); }
Frame::~Frame() { zmq_msg_close(&message_->handle); }
std::string_view Frame::bytes() const {
  return {static_cast<const char*>(zmq_msg_data(&message_->handle)), zmq_msg_size(&message_->handle)};
}

namespace {

constexpr int failures =
    ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
// ms: the longest wait for a `close` to leave when the socket goes, and how often a lost server is looked for.
constexpr int linger = 100, reconnect = 50, reconnectMost = 1000;

void setOption(void* socket, int option, int value) { zmq_setsockopt(socket, option, &value, sizeof value); }

void setKey(void* socket, int option, const std::string& key, const char* name) {
  if (zmq_setsockopt(socket, option, key.c_str(), key.size()) == 0) return;
  throw Error("E_KEYS", std::string("the ") + name + " is not usable: " + zmq_strerror(zmq_errno()),
              "Make keys with `mlts keys`, and use a libzmq that was built with CURVE");
}

// Moves the frames of one message into `frame`: its first if it is the only one. False if none is waiting.
bool take(void* socket, zmq_msg_t* message, bool& single) {
  if (zmq_msg_recv(message, socket, ZMQ_DONTWAIT) < 0) return false;
  single = !zmq_msg_more(message);
  while (zmq_msg_more(message)) {
    if (zmq_msg_recv(message, socket, ZMQ_DONTWAIT) < 0) break;
  }
  return true;
}

}  // namespace

struct Socket::Handles {
  void* context = zmq_ctx_new();
  void* dealer = nullptr;
  void* monitor = nullptr;

  ~Handles() {
    if (monitor) zmq_close(monitor);
    if (dealer) zmq_close(dealer);
    if (context) zmq_ctx_term(context);
  }
};

Socket::Socket(const std::string& endpoint, const std::optional<CurveKeys>& keys)
    : handles_(std::make_unique<Handles>()) {
  Handles& on = *handles_;
  on.dealer = zmq_socket(on.context, ZMQ_DEALER);
  on.monitor = zmq_socket(on.context, ZMQ_PAIR);
  if (!on.dealer || !on.monitor) {
    throw Error("E_INTERNAL", std::string("no ZeroMQ socket: ") + zmq_strerror(zmq_errno()),
                "Raise the limit of open files (ulimit -n)");
  }
  setOption(on.dealer, ZMQ_LINGER, linger);
  setOption(on.monitor, ZMQ_LINGER, 0);
  setOption(on.dealer, ZMQ_RECONNECT_IVL, reconnect);
  setOption(on.dealer, ZMQ_RECONNECT_IVL_MAX, reconnectMost);
  if (keys) {
    setKey(on.dealer, ZMQ_CURVE_SERVERKEY, keys->serverPublic, "server's public key");
    setKey(on.dealer, ZMQ_CURVE_PUBLICKEY, keys->clientPublic, "client's public key");
    setKey(on.dealer, ZMQ_CURVE_SECRETKEY, keys->clientSecret, "client's secret key");
  }
  const char* events = "inproc://events";  // names are the context's own
  zmq_socket_monitor(on.dealer, events, ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | failures);
  zmq_connect(on.monitor, events);
  if (zmq_connect(on.dealer, endpoint.c_str()) != 0) {
    throw Error("E_ADDRESS", "'" + endpoint + "' is not an endpoint: " + zmq_strerror(zmq_errno()),
                "Give one such as tcp://127.0.0.1:5588 or ipc:///tmp/mlts");
  }
}

Socket::~Socket() = default;

bool Socket::send(std::string_view bytes) {
  int sent;
  do {
    sent = zmq_send(handles_->dealer, bytes.data(), bytes.size(), ZMQ_DONTWAIT);
  } while (sent < 0 && zmq_errno() == EINTR);
  return sent >= 0;
}

// An event is two frames: its number (16 bits) and value (32), then the address.
void Socket::watch() {
  zmq_msg_t message;
  zmq_msg_init(&message);
  while (zmq_msg_recv(&message, handles_->monitor, ZMQ_DONTWAIT) >= 0) {
    uint16_t event = 0;
    if (zmq_msg_size(&message) == 6 && zmq_msg_more(&message)) std::memcpy(&event, zmq_msg_data(&message), 2);
    if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
      link_ = Link::up;
    } else if (event & failures) {
      link_ = Link::refused;
    } else if (event == ZMQ_EVENT_DISCONNECTED && link_ == Link::up) {
      link_ = Link::down;
      lost_ = true;
    }
  }
  zmq_msg_close(&message);
}

bool Socket::lost() {
  watch();
  return std::exchange(lost_, false);
}

Socket::Event Socket::receive(Frame& frame, Deadline deadline) {
  for (;;) {
    bool single = false;
    const bool came = take(handles_->dealer, &frame.message_->handle, single);
    if (lost()) return Event::lost;  // asked after taking: a frame cannot be newer than a break seen here
    if (came && single) return Event::frame;
    if (came) continue;  // no message of this protocol has several frames

    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return Event::deadline;
    zmq_pollitem_t items[] = {{handles_->dealer, 0, ZMQ_POLLIN, 0}, {handles_->monitor, 0, ZMQ_POLLIN, 0}};
    zmq_poll(items, 2, static_cast<long>(std::min<int64_t>(left, 60000)));
  }
}

}  // namespace mlts
