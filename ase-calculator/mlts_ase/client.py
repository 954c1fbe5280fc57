"""One DEALER socket to one server: a request goes out, its reply comes back, or an MltsError says why not.

Waiting sleeps in `poll`. Loss of the connection is seen through libzmq's socket monitor at once, so a server that
dies never costs the whole time-out.
"""

from __future__ import annotations

import itertools
import math
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import zmq
from zmq.utils.monitor import recv_monitor_message

from .codec import decode, encode, error_in
from .errors import MltsError
from .keys import Keys

# A server that listens answers the handshake within milliseconds; this leaves time to one that is being restarted.
CONNECT_SECONDS = 5.0

# A monitor's default name holds its socket's descriptor, which a new socket may get before the old name is free.
_MONITORS = itertools.count()
_EVENTS = (
    zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_DISCONNECTED
)


class Connection:
    """One connection to one server, for one thread at a time.

    Parameters
    ----------
    endpoint : ZeroMQ address, `tcp://host:port` or `ipc:///path`
    keys : CURVE keys, for servers that are neither on loopback nor ipc
    alive : called while waiting for the connection; raises when the server cannot come up any more
    """

    def __init__(self, endpoint: str, keys: Keys | None = None, alive: Callable[[], None] | None = None) -> None:
        self.endpoint = endpoint
        self._alive = alive
        self._id = 0
        self._connected = False
        self._refused = False  # a peer was there, and no handshake came about
        self._pid = os.getpid()
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.SNDHWM, 0)  # never blocks: one request is under way at a time
        self._socket.setsockopt(zmq.RECONNECT_IVL, 20)
        self._socket.setsockopt(zmq.RECONNECT_IVL_MAX, 500)
        if keys is not None:
            self._socket.setsockopt(zmq.CURVE_SERVERKEY, keys.server.encode())
            self._socket.setsockopt(zmq.CURVE_PUBLICKEY, keys.public.encode())
            self._socket.setsockopt(zmq.CURVE_SECRETKEY, keys.secret.encode())
        self._monitor: zmq.Socket[bytes] = self._socket.get_monitor_socket(
            _EVENTS, f"inproc://mlts-monitor-{next(_MONITORS)}"
        )
        self._poller = zmq.Poller()
        self._poller.register(self._socket, zmq.POLLIN)
        self._poller.register(self._monitor, zmq.POLLIN)
        try:
            self._socket.connect(endpoint)
        except zmq.ZMQError as error:
            self.close()
            raise MltsError(
                "E_ADDRESS", f"{endpoint!r} is not an endpoint ({error})", "Write tcp://HOST:PORT or ipc:///PATH."
            ) from error

    def request(self, message: Mapping[str, Any], timeout: float, connect: float = CONNECT_SECONDS) -> dict[str, Any]:
        """Send one request and return its reply; an error reply is raised as the MltsError it carries.

        Parameters
        ----------
        message : the request without its id
        timeout : seconds until E_TIMEOUT
        connect : seconds until E_CONNECT where there is no connection
        """
        deadline = time.monotonic() + timeout
        self._wait_connected(min(deadline, time.monotonic() + connect))
        self._id += 1
        self._socket.send(encode({**message, "id": self._id}))
        while True:
            ready = dict(self._poller.poll(_milliseconds(deadline - time.monotonic())))
            if self._socket in ready:
                frames = self._socket.recv_multipart()
                reply = decode(frames[0] if len(frames) == 1 else b"")
                if reply.get("id", self._id) != self._id:
                    continue  # the late answer to a request that timed out or was interrupted
                if (error := error_in(reply)) is not None:
                    raise error
                return reply
            if self._monitor in ready:
                if self._read_monitor():
                    if self._alive is not None:
                        self._alive()
                    raise MltsError(
                        "E_CONNECT",
                        f"{self.endpoint} closed the connection while it owed an answer",
                        "See the server's log for why it stopped, then start it again with `mlts serve`.",
                    )
            elif time.monotonic() >= deadline:
                raise MltsError(
                    "E_TIMEOUT",
                    f"no answer from {self.endpoint} within {timeout:g} s",
                    "See whether the server is alive or overloaded, or give a larger timeout.",
                )

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message whose reply nobody will read."""
        self._read_monitor()
        if self._connected:
            self._id += 1
            self._socket.send(encode({**message, "id": self._id}))

    def close(self, linger: int = 0) -> None:
        """Close the socket, leaving `linger` milliseconds to what was sent. Nothing happens in a forked child."""
        if os.getpid() == self._pid and not self._socket.closed:
            self._socket.disable_monitor()
            self._monitor.close(0)
            self._socket.close(linger)

    def _wait_connected(self, deadline: float) -> None:
        started = time.monotonic()
        self._read_monitor()
        while not self._connected:
            if self._alive is not None:
                self._alive()
            remaining = deadline - time.monotonic()
            if remaining <= 0 and self._refused:
                raise MltsError(
                    "E_CONNECT",
                    f"something listens at {self.endpoint} but breaks off the handshake",
                    "Where the server asks for CURVE, give keys=FILE with its public key; else correct the endpoint.",
                )
            if remaining <= 0:
                raise MltsError(
                    "E_CONNECT",
                    f"no mlts server answers at {self.endpoint} (waited {time.monotonic() - started:.1f} s)",
                    "Start one with `mlts serve MODEL --bind ENDPOINT`, or correct the endpoint.",
                )
            self._monitor.poll(_milliseconds(min(remaining, 0.05)))
            self._read_monitor()

    def _read_monitor(self) -> bool:
        """Take note of what happened to the connection; whether it was lost meanwhile, even if it is back by now."""
        lost = False
        while self._monitor.poll(0):
            event = recv_monitor_message(self._monitor)["event"]
            if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
                raise MltsError(
                    "E_KEYS",
                    f"{self.endpoint} refused this client's CURVE key",
                    "Have the public key added to the server's list of allowed clients (`mlts keys`).",
                )
            lost = lost or self._connected
            self._refused = not self._connected and event != zmq.EVENT_HANDSHAKE_SUCCEEDED
            self._connected = event == zmq.EVENT_HANDSHAKE_SUCCEEDED
        return lost


def _milliseconds(seconds: float) -> int:
    return max(0, math.ceil(1000 * seconds))
