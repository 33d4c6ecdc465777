"""What the fault suite is made of: streams with known alerts, and senders that misbehave."""

import contextlib
import json
import random
import time
from dataclasses import dataclass, replace

import zmq
from monitor_process import PATIENCE_S

from monitor.messages import Alert, End, Samples, StreamInfo
from monitor.pipeline import Pipeline
from monitor.sources.simulator import Simulator, scenario
from monitor.wire.endpoints import new_publisher_id
from monitor.wire.frames import encode
from monitor.wire.jsonform import to_dict
from monitor.wire.protocol import topic_of
from monitor.wire.sequence import SequenceCounter

CHUNK_S = 0.25


@dataclass(frozen=True)
class Patient:
    """A simulated stream: its announcement and its samples, in messages of a quarter second."""

    info: StreamInfo
    chunks: tuple[Samples, ...]

    def renamed(self, name):
        """Give the same patient under another stream name."""
        return Patient(
            replace(self.info, stream=name),
            tuple(replace(chunk, stream=name) for chunk in self.chunks),
        )

    def alerts(self, numbers=None):
        """Alerts that an analysis alone gives on these messages (default: all), as JSON lines."""
        pipeline = Pipeline(self.info)
        chunks = self.chunks if numbers is None else [self.chunks[n] for n in numbers]
        events = [event for chunk in chunks for event in pipeline.push(chunk)]
        events += pipeline.flush()
        return [json.dumps(to_dict(event)) for event in events if isinstance(event, Alert)]


def patient(name, script="tour", seed=0):
    source = Simulator(scenario(script), stream=name, seed=seed, chunk_s=CHUNK_S)
    return Patient(source.info, tuple(source.chunks()))


class Device:
    """Sends messages to a service, in any order, any number of times.

    Its queue does not drop: what does not arrive was not sent.
    """

    def __init__(self, endpoint, linger_ms=PATIENCE_S * 1000):
        self._context = zmq.Context()
        self._linger_ms = linger_ms
        self.publisher = new_publisher_id()
        self._numbers = SequenceCounter()
        self.socket = self._context.socket(zmq.XPUB)
        self.socket.setsockopt(zmq.XPUB_NODROP, 1)
        self.socket.setsockopt(zmq.SNDTIMEO, PATIENCE_S * 1000)
        self.socket.setsockopt(zmq.RCVTIMEO, PATIENCE_S * 1000)
        self.socket.connect(endpoint)

    def wait(self):
        """Wait until the service has subscribed."""
        self.socket.recv()

    def frames(self, body, sent_ns=None):
        """Number a message as if it were sent now."""
        number = self._numbers.next(topic_of(body))
        return encode(body, self.publisher, number, sent_ns or time.time_ns())

    def send(self, *messages):
        for frames in messages:
            self.socket.send_multipart(frames)

    def end(self, stream):
        return self.frames(End(stream.info.stream, stream.chunks[-1].end_sample))

    def play(self, stream, order=None):
        """Send a whole stream; ``order`` gives the positions of the messages that are sent."""
        messages = [self.frames(chunk) for chunk in stream.chunks]
        self.send(self.frames(stream.info))
        self.send(*(messages[n] for n in (range(len(messages)) if order is None else order)))
        self.send(self.end(stream))

    def close(self):
        self._context.destroy(self._linger_ms)


@contextlib.contextmanager
def device(endpoint, **options):
    with devices(endpoint, 1, **options) as (sender,):
        yield sender


@contextlib.contextmanager
def devices(endpoint, count, **options):
    """So many devices that connect at once, each by a connection of its own."""
    with contextlib.ExitStack() as stack:
        senders = [Device(endpoint, **options) for _ in range(count)]
        for sender in senders:
            stack.callback(sender.close)
        for sender in senders:
            sender.wait()
        yield senders


def shuffled(kind, count, share, seed):
    """Positions of ``count`` messages on a bad way; the first and the last always come.

    ``kind``: *lost*, *doubled* (some time later), *reordered* (overtaken by one or two).
    """
    chance = random.Random(seed)
    hit = {n for n in range(1, count - 1) if chance.random() < share}
    if kind == "lost":
        return [n for n in range(count) if n not in hit]
    places = [(n, n) for n in range(count)]
    if kind == "doubled":
        places += [(n + chance.randint(0, 6) + 0.5, n) for n in hit]
    else:
        hit = {n for n in hit if not {n - 1, n - 2} & hit}
        places = [(n + (chance.randint(1, 2) + 0.5 if n in hit else 0), n) for n in range(count)]
    return [n for _, n in sorted(places)]


def events(lines, stream, *types):
    """Events of one stream among JSON lines; only of these types, if any are named."""
    found = (json.loads(line) for line in lines if f'"{stream}"' in line)
    return [e for e in found if e["stream"] == stream and (not types or e["type"] in types)]


def analysis_alerts(lines, stream):
    """Alerts of the analysis (not of the service itself) among JSON lines, in one spelling."""
    return [json.dumps(event) for event in events(lines, stream, "alert") if event["id"] >= 0]


@contextlib.contextmanager
def full(place):
    """No byte is left while this lasts."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (4096, 1):
            with contextlib.suppress(OSError):
                while file.write(b"\0" * size):
                    pass
    try:
        yield
    finally:
        filler.unlink()


def kind_of(line, state=None):
    """Give what an alert line says, whatever its numbers."""
    alert = json.loads(line)
    return alert["kind"], state or alert["state"]


def states(control, patience_s=PATIENCE_S):
    """State of every stream by name, as the control socket gives it."""
    context = zmq.Context()
    with context, context.socket(zmq.REQ) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(control)
        found, whole = {}, False
        while not whole:
            socket.send_json({"schema": 1, "command": "state", "after": max(found, default="")})
            assert socket.poll(patience_s * 1000), "the service does not answer"
            reply = socket.recv_json()
            found |= {state["stream"]: state for state in reply["streams"]}
            whole = reply["whole"]
        return found


def over(control, names):
    """Tell whether all these streams have ended."""
    known = states(control)
    return all(known.get(name, {}).get("status") == "ended" for name in names)
