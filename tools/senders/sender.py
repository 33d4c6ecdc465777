"""Send ECG to `ecg-monitor serve` from any Python program: lines of millivolts on standard input.

An example to start from; needs pyzmq and nothing of the monitor::

    python sender.py tcp://127.0.0.1:5555 bed-7 250 II,V1 < samples.txt

One line is one sample: a number for each lead, in millivolts; ``nan`` where there is none. It
waits for the server, and whenever the server is slower, so nothing is lost. A server that does not
take the stream says why; that is told, and sending goes on. ECG_DEVICE may name the device, the
same at every start, so that a restart is not taken for another device. To a server with keys it
connects with ECG_SERVER_KEY, ECG_PUBLIC_KEY and ECG_SECRET_KEY (Z85 text).
"""

from __future__ import annotations

import json
import os
import struct
import sys
import time
import uuid
from collections import Counter

import zmq

PUBLISHER = uuid.uuid4().hex  # new at every start
DEVICE = os.environ.get("ECG_DEVICE", "")  # the same at every start
SEQUENCE: Counter[str] = Counter()


def connected(endpoint: str) -> zmq.Socket[bytes]:
    """Connect, and wait until the server has subscribed."""
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.XPUB)
    socket.setsockopt(zmq.XPUB_NODROP, 1)  # wait for a slow server, do not drop
    socket.setsockopt(zmq.XPUB_VERBOSE, 1)  # notice one that comes back
    socket.setsockopt(zmq.LINGER, 30_000)
    if "ECG_SERVER_KEY" in os.environ:
        socket.setsockopt(zmq.CURVE_SERVERKEY, os.environ["ECG_SERVER_KEY"].encode())
        socket.setsockopt(zmq.CURVE_PUBLICKEY, os.environ["ECG_PUBLIC_KEY"].encode())
        socket.setsockopt(zmq.CURVE_SECRETKEY, os.environ["ECG_SECRET_KEY"].encode())
    socket.connect(endpoint)
    while socket.recv()[:1] != b"\x01":
        pass
    return socket


def send(
    socket: zmq.Socket[bytes], kind: str, stream: str, *payload: bytes, **fields: object
) -> None:
    """Send one message: topic, header, and for samples the values."""
    header = {
        "schema": 1,
        "publisher": PUBLISHER,
        "sequence": SEQUENCE[kind],  # 0, 1, 2, ... of each topic
        "sent_ns": time.time_ns(),
        **fields,
    }
    SEQUENCE[kind] += 1
    socket.send_multipart([f"{kind}.{stream}".encode(), json.dumps(header).encode(), *payload])


def main() -> None:
    """Send all lines, tenths of a second at a time."""
    if len(sys.argv) != 5:
        sys.exit("usage: sender.py ENDPOINT STREAM RATE_HZ LEAD[,LEAD...] < lines of millivolts")
    endpoint, stream, rate, names = sys.argv[1:]
    rate_hz, leads = float(rate), names.split(",")
    socket = connected(endpoint)
    at_once, start, announced = max(1, round(rate_hz / 10)), 0, -rate_hz
    rows: list[list[float]] = []
    mine = f"refused.{stream}.{PUBLISHER[:8]} ".encode()

    def flush() -> None:
        nonlocal start, announced
        came_back = False
        while socket.poll(0):
            message = socket.recv()
            if message[1:].startswith(b"refused."):  # refused.STREAM.ID REASON, for one sender
                if message[:1] == b"\x01" and message[1:].startswith(mine):
                    reason = message[1 + len(mine) :].decode("utf-8", "replace")
                    print(f"not watched: {reason}", file=sys.stderr, flush=True)
            else:
                came_back |= message[:1] == b"\x01"
        if came_back or start - announced >= rate_hz:  # each second, for servers that come later
            announced = start
            announcement = {"rate_hz": rate_hz, "leads": leads, "start_sample": start}
            send(socket, "info", stream, unit="mV", device=DEVICE, **announcement)
        values = [value for row in rows for value in row]
        payload = struct.pack(f"<{len(values)}f", *values)  # float32, little-endian
        shape = [len(rows), len(leads)]
        send(socket, "samples", stream, payload, start_sample=start, shape=shape)
        start += len(rows)
        rows.clear()

    for number, line in enumerate(sys.stdin, 1):
        row = [float(value) for value in line.replace(",", " ").split()]
        if len(row) != len(leads):
            sys.exit(f"line {number}: {len(row)} values for {len(leads)} leads")
        rows.append(row)
        if len(rows) == at_once:
            flush()
    if rows:
        flush()
    send(socket, "end", stream, sample=start)
    socket.close()
    zmq.Context.instance().term()  # waits until all has left
    print(f"sent {start} samples of {stream}")


if __name__ == "__main__":
    main()
