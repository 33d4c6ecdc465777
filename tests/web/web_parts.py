"""Messages of a ward, and a station in a thread that shows what a test folds into it."""

import contextlib
import socket
import threading

import numpy as np

from monitor.errors import MonitorError
from monitor.messages import (
    AamiClass,
    Alert,
    AlertKind,
    AlertState,
    Beat,
    LeadState,
    Priority,
    Quality,
    Rhythm,
    Samples,
    Snippet,
    StreamInfo,
    Vitals,
)
from monitor.web.access import WebAccess
from monitor.web.app import Pages
from monitor.web.server import Listening, http_server
from monitor.web.station import Station
from monitor.web.ward import Ward
from monitor.wire.protocol import Heartbeat, Packet, StreamState, StreamStatus, topic_of

RATE_HZ = 250.0
LEADS = ("II", "V1")
NOON_NS = 1_790_000_000_000_000_000


def packet(body, publisher="p1", sent_ns=NOON_NS):
    return Packet(topic_of(body), publisher, 0, sent_ns, body)


def info(name="bed-1", start=0, rate_hz=RATE_HZ, leads=LEADS):
    return StreamInfo(name, rate_hz, leads, start, "test")


def state(name="bed-1", status=StreamStatus.LIVE, **fields):
    fields.setdefault("info", info(name))
    return StreamState(name, status, fields.pop("text", ""), fields.pop("info"), 0, **fields)


def samples(name, start, rows, value=0.5, leads=2):
    return Samples(name, start, np.full((rows, leads), value, np.float32))


def alert(
    name="bed-1",
    number=1,
    seq=1,
    state=AlertState.RAISED,
    kind=AlertKind.VT,
    priority=Priority.HIGH,
    text="VT",
    onset=100,
    sample=200,
    beats=(),
):
    return Alert(name, number, seq, kind, priority, state, onset, sample, text, None, None, beats)


def stale(name="bed-1", seq=-1, state=AlertState.RAISED):
    return alert(name, -1, seq, state, AlertKind.STREAM_STALE, Priority.TECHNICAL, "No samples")


def vitals(name="bed-1", sample=0, rate_bpm=72.0, usable=True, pvcs=0):
    return Vitals(name, sample, rate_bpm, 0.8, usable, {"N": 5}, pvcs)


def beat(name="bed-1", sample=100, label=AamiClass.N, rr_s=0.8):
    return Beat(name, sample, sample + 200, label, (0.9, 0.1, 0.0, 0.0, 0.0), rr_s, 0, "test")


def quality(name="bed-1", leads=(LeadState.OK, LeadState.OK), usable=True):
    return Quality(name, 0, 62, leads, usable)


def rhythm(name="bed-1", word="N"):
    return Rhythm(name, 0, 0, word)


def snippet(name="bed-1", number=1, start=0, rows=2500):
    values = np.sin(np.arange(rows * 2, dtype=np.float32)).reshape(rows, 2)
    return Snippet(name, number, 1, start, values)


def heartbeat(**figures):
    return Heartbeat("p1", 1, **figures)


def ward_with(*bodies, now_s=0.0):
    ward = Ward("tcp://test:5556")
    for body in bodies:
        ward.take(packet(body), now_s)
    return ward


class Service:
    """Stands for the requests of a service: keeps what is asked, gives what it is told to."""

    def __init__(self):
        self.asked = []
        self.answers = {}

    def ask(self, request):
        self.asked.append(request)
        answer = self.answers.get(request["command"], {"ok": True})
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, str):
            raise MonitorError(f"refused: {answer}")
        return answer


class Served:
    """A station whose ward a test fills, with real HTTP."""

    def __init__(self, tokens=None):
        self.lock = threading.Lock()
        self.ward = Ward("tcp://test:5556")
        self.service = Service()
        self.said = []
        listening = Listening("0", tokens=tokens)
        access = WebAccess(tokens, self.said.append)
        pages = Pages(Station(self.ward, self.lock, self.service), access, tls=False)
        self.server = http_server(pages, listening)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.host = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.host}/"
        self.thread = threading.Thread(target=self.server.run, args=([self.listener],))

    def take(self, *bodies, now_s, **options):
        with self.lock:
            for body in bodies:
                self.ward.take(packet(body, **options), now_s)


@contextlib.contextmanager
def serving_ward(tokens=None):
    served = Served(tokens)
    served.thread.start()
    try:
        yield served
    finally:
        served.server.should_exit = True
        served.thread.join()
        served.listener.close()
