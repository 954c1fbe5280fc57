// SPDX-License-Identifier: GPL-2.0-or-later
// The part of libzmq this plug-in uses. Where <zmq.h> is installed it is taken; elsewhere these declarations of the
// same stable C interface (libzmq 4.x, http://api.zeromq.org) suffice to link against a libzmq that came without
// headers.
#pragma once

#if defined(MLTS_SYSTEM_ZMQ_HEADER)
#include <zmq.h>
#else
#include <cstddef>

extern "C" {

typedef struct zmq_msg_t {
  alignas(void*) unsigned char opaque[64];
} zmq_msg_t;

typedef struct zmq_pollitem_t {
  void* socket;
  int fd;
  short events;
  short revents;
} zmq_pollitem_t;

int zmq_errno(void);
const char* zmq_strerror(int errnum);

void* zmq_ctx_new(void);
int zmq_ctx_term(void* context);

int zmq_msg_init(zmq_msg_t* msg);
int zmq_msg_recv(zmq_msg_t* msg, void* socket, int flags);
int zmq_msg_close(zmq_msg_t* msg);
int zmq_msg_more(const zmq_msg_t* msg);
void* zmq_msg_data(zmq_msg_t* msg);
size_t zmq_msg_size(const zmq_msg_t* msg);

void* zmq_socket(void* context, int type);
int zmq_close(void* socket);
int zmq_setsockopt(void* socket, int option, const void* value, size_t length);
int zmq_connect(void* socket, const char* endpoint);
int zmq_send(void* socket, const void* bytes, size_t length, int flags);
int zmq_poll(zmq_pollitem_t* items, int nitems, long timeout);
int zmq_socket_monitor(void* socket, const char* endpoint, int events);

}  // extern "C"

enum : int {
  ZMQ_PAIR = 0,
  ZMQ_DEALER = 5,

  ZMQ_LINGER = 17,
  ZMQ_RECONNECT_IVL = 18,
  ZMQ_RECONNECT_IVL_MAX = 21,
  ZMQ_CURVE_PUBLICKEY = 48,
  ZMQ_CURVE_SECRETKEY = 49,
  ZMQ_CURVE_SERVERKEY = 50,

  ZMQ_DONTWAIT = 1,
  ZMQ_POLLIN = 1,

  ZMQ_EVENT_DISCONNECTED = 0x0200,
  ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL = 0x0800,
  ZMQ_EVENT_HANDSHAKE_SUCCEEDED = 0x1000,
  ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL = 0x2000,
  ZMQ_EVENT_HANDSHAKE_FAILED_AUTH = 0x4000,
};

#endif
