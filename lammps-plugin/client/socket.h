// SPDX-License-Identifier: GPL-2.0-or-later
// One ZeroMQ DEALER connected to one server, and what became of the connection. Not for several threads.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "client/keys.h"

namespace mlts {

using Clock = std::chrono::steady_clock;
using Deadline = Clock::time_point;

// One received frame, which stays where libzmq put it.
class Frame {
 public:
  Frame();
  ~Frame();
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;
  std::string_view bytes() const;

 private:
  friend class Socket;
  struct Message;
  std::unique_ptr<Message> message_;
};

class Socket {
 public:
  enum class Event { frame, deadline, lost };
  enum class Link { never, refused, up, down };

  // Connects in the background: a server that is not there yet is waited for.
  // Throws Error E_ADDRESS for an endpoint ZeroMQ cannot use, E_KEYS for keys it cannot.
  Socket(const std::string& endpoint, const std::optional<CurveKeys>& keys);
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  // Sends one frame; it waits in the socket while there is no connection. False where the socket takes no more.
  bool send(std::string_view bytes);

  // Sleeps until a frame came, the connection that was there broke (told once for each time), or the deadline passed.
  // A frame from before a break is dropped: its sender may be another one than that of the next.
  Event receive(Frame& frame, Deadline deadline);

  // Whether the connection broke since this or `receive` last told so.
  bool lost();

  // never connected; refused in the handshake (keys); up; down after it had been up.
  Link link() const { return link_; }

 private:
  void watch();

  struct Handles;
  std::unique_ptr<Handles> handles_;
  Link link_ = Link::never;
  bool lost_ = false;
};

}  // namespace mlts
