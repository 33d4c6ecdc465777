"""ZeroMQ endpoints: check, bind, connect, with errors that say what to do."""

from __future__ import annotations

import errno
import sys
import uuid

import zmq
from zmq.utils.monitor import recv_monitor_message

from monitor.errors import USAGE, MonitorError
from monitor.wire.keys import ClientKeys
from monitor.wire.protocol import MAX_PAYLOAD_BYTES

MAX_FRAME_BYTES = MAX_PAYLOAD_BYTES
HANG_UPS = 3  # in a row: then a client takes it for a refusal

Context = zmq.Context[zmq.Socket[bytes]]
Socket = zmq.Socket[bytes]


def log_to_stderr(text: str) -> None:
    """Write one line for the operator."""
    print(f"ecg-monitor: {text}", file=sys.stderr, flush=True)  # noqa: T201


def new_publisher_id() -> str:
    """Give an id for one run of one sender."""
    return uuid.uuid4().hex[:16]


def new_socket(context: Context, kind: int, queue: int) -> Socket:
    """Make a socket with bounded queues and frames; it closes at once with its owner."""
    socket = context.socket(kind)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.RCVHWM, queue)
    socket.setsockopt(zmq.SNDHWM, queue)
    socket.setsockopt(zmq.MAXMSGSIZE, MAX_FRAME_BYTES)
    # detects a peer that is gone; ZMTP heartbeats would also drop a peer that a full queue holds
    # back
    socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
    socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, 10)
    return socket


def is_loopback(endpoint: str) -> bool:
    """Tell whether only this machine can reach an endpoint.

    >>> is_loopback("tcp://127.0.0.1:5555"), is_loopback("tcp://*:5555")
    (True, False)
    """
    transport, _, rest = endpoint.partition("://")
    if transport in ("ipc", "inproc"):
        return True
    host = rest.rpartition(":")[0]
    octets = host.split(".")
    in_127 = len(octets) == 4 and octets[0] == "127" and all(o.isdecimal() for o in octets)
    return transport == "tcp" and (in_127 or host in ("localhost", "[::1]", "lo"))


def bind(socket: Socket, endpoint: str, option: str, beyond_loopback: bool = False) -> str:
    """Bind; give the endpoint with its actual port. ``option`` names the endpoint in errors.

    Raises
    ------
    MonitorError
        If the endpoint is beyond loopback, busy, or not valid.
    """
    _check(endpoint, option)
    if not beyond_loopback and not is_loopback(endpoint):
        raise MonitorError(
            f"{option} {endpoint} can be reached from other machines: add --keys DIR to let in "
            "known clients only, encrypted (see `ecg-monitor keys`), or --insecure if everybody "
            "who reaches it may send, read and acknowledge",
            USAGE,
        )
    socket.setsockopt(zmq.IPV6, int("[" in endpoint))
    try:
        socket.bind(endpoint)
    except zmq.ZMQError as error:
        raise _explained(error, endpoint, option) from error
    return str(socket.get_string(zmq.LAST_ENDPOINT))


def try_bind(endpoint: str, option: str) -> None:
    """Bind and unbind, to tell whether it is possible; beyond loopback too.

    Raises
    ------
    MonitorError
        If it cannot.
    """
    context: Context = zmq.Context()
    socket = new_socket(context, zmq.REP, 1)
    try:
        bind(socket, endpoint, option, beyond_loopback=True)
    finally:
        context.destroy(0)


def connect(socket: Socket, endpoint: str, option: str, keys: ClientKeys | None = None) -> Refusal:
    """Connect, even before the service is there; give what detects its refusal.

    Raises
    ------
    MonitorError
        If the endpoint is not valid.
    """
    _check(endpoint, option)
    socket.setsockopt(zmq.IPV6, int("[" in endpoint))
    if keys is not None:
        socket.setsockopt(zmq.CURVE_PUBLICKEY, keys.own.public.encode())
        socket.setsockopt(zmq.CURVE_SECRETKEY, keys.own.secret)
        socket.setsockopt(zmq.CURVE_SERVERKEY, keys.server_public.encode())
    refusal = Refusal(socket, endpoint, keys is not None)
    try:
        socket.connect(endpoint)
    except zmq.ZMQError as error:
        raise _explained(error, endpoint, option) from error
    return refusal


class Refusal:
    """Detects that the service refuses a client's socket; ZeroMQ itself does not report it.

    Parameters
    ----------
    socket
        Of the client, before it connects.
    endpoint
        Where it connects.
    keyed
        Whether the client has keys.
    """

    def __init__(self, socket: Socket, endpoint: str, keyed: bool) -> None:
        self._endpoint = endpoint
        self._keyed = keyed
        self._broken = 0
        self._monitor = socket.get_monitor_socket(
            zmq.EVENT_HANDSHAKE_SUCCEEDED
            | zmq.EVENT_HANDSHAKE_FAILED_AUTH
            | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
            | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
        )

    def check(self) -> None:
        """Raise if the service has refused since the last call.

        Raises
        ------
        MonitorError
            If it did. To try again would not help.
        """
        while self._monitor.poll(0):
            message = recv_monitor_message(self._monitor)
            event = message["event"]
            if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self._broken = 0
            elif event == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL and message["value"] != errno.EAGAIN:
                # the peer hung up: for a wrong server key, but also when the service just ends;
                # a silent one (EAGAIN) may be stopped and go on later
                self._broken += 1
            if self._broken < HANG_UPS and event in (
                zmq.EVENT_HANDSHAKE_SUCCEEDED,
                zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL,
            ):
                continue
            if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
                reason = "the key is not in its allow-list, or lacks the right for this"
            elif not self._keyed:
                reason = (
                    "it lets in known keys only; give yours with --keys DIR (or is no ecg-monitor)"
                )
            else:
                reason = "server.key is not its key, or it runs without keys"
            raise MonitorError(f"refused by the service at {self._endpoint}: {reason}")


def _check(endpoint: str, option: str) -> None:
    transport, separator, rest = endpoint.partition("://")
    port = rest.rpartition(":")[2]
    # libzmq takes ports modulo 65536
    valid_port = port == "*" or (port.isdecimal() and len(port) <= 5 and int(port) <= 65535)
    if (
        not separator
        or not rest
        or transport not in ("tcp", "ipc")
        or (transport == "tcp" and not valid_port)
    ):
        raise MonitorError(
            f"{option} {endpoint!r} is not an endpoint; write it like tcp://127.0.0.1:5555", USAGE
        )


def _explained(error: zmq.ZMQError, endpoint: str, option: str) -> MonitorError:
    if error.errno == errno.EADDRINUSE:
        return MonitorError(
            f"{option} {endpoint} is busy: is another `serve` running? choose another port"
        )
    if error.errno in (errno.ENODEV, errno.EADDRNOTAVAIL):
        return MonitorError(f"{option} {endpoint}: this machine has no such address", USAGE)
    if error.errno == errno.EACCES:
        return MonitorError(f"{option} {endpoint}: not permitted; choose a port above 1023", USAGE)
    return MonitorError(
        f"{option} {endpoint!r} is not usable ({error.strerror}); write it like "
        "tcp://127.0.0.1:5555",
        USAGE,
    )
