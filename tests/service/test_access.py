"""Keys between real sockets: who comes in, who may do what, and who is cut off while it runs."""

import contextlib
import json
import threading
import time

import numpy as np
import pytest
import zmq
from service_parts import EveryHundred, Sender

from monitor.errors import MonitorError
from monitor.feeds.remote import SubscriberFeed
from monitor.messages import Alert, Beat, End, Samples, StreamInfo
from monitor.service.hub import Hub
from monitor.service.loop import Service
from monitor.wire.access import AllowList, Client, save
from monitor.wire.endpoints import connect, new_socket
from monitor.wire.keys import ClientKeys, KeyPair, fingerprint, load_client, make_pair
from monitor.wire.protocol import Heartbeat
from monitor.wire.publisher import SamplePublisher
from monitor.wire.sockets import ServiceSockets
from monitor.wire.subscriber import ControlClient, Subscription

FREE = "tcp://127.0.0.1:*"
PATIENCE_S = 600
pytestmark = pytest.mark.usefixtures("unhurried_service")

EVERYTHING = ("send", "subscribe", "control")


def hasty():
    """A clock by which what is done each second is done more often."""
    return time.monotonic() * 5


def new_pair():
    public, secret = zmq.curve_keypair()
    return KeyPair(public.decode(), secret)


class Guarded:
    """A service with keys, in a thread, and clients of several rights."""

    def __init__(self, folder):
        self.folder = folder
        self.server = make_pair(folder, "server")
        self.clients = {}
        self.allow(sender=("send",), viewer=("subscribe",), doctor=EVERYTHING)
        self.said = []
        self.news = threading.Condition()
        self.sockets = ServiceSockets(FREE, FREE, FREE, folder, log=self.log, clock=hasty)
        self.hub = Hub(EveryHundred, "service", self.log)
        self.service = Service(self.hub, self.sockets, "service", clock=hasty)
        self.failed = []
        self.thread = threading.Thread(target=self._run)

    def allow(self, **clients):
        """Write an allow-list of exactly these clients."""
        for name in clients:
            if name not in self.clients:
                self.clients[name] = ClientKeys(new_pair(), self.server)
        listed = [
            Client(name, self.clients[name].own.public, rights) for name, rights in clients.items()
        ]
        save(AllowList(tuple(listed)), self.folder / "clients.toml")

    def log(self, line):
        with self.news:
            self.said.append(line)
            self.news.notify_all()

    def heard(self, *words):
        """Wait for a line with all of these words."""
        with self.news:
            assert self.news.wait_for(
                lambda: any(all(w in line for w in words) for line in self.said), PATIENCE_S
            ), (words, self.said)

    def _run(self):
        try:
            with self.sockets:
                self.service.run()
        except BaseException as error:
            self.failed.append(error)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.service.stop()
        self.thread.join(PATIENCE_S)
        assert not self.thread.is_alive()
        assert self.failed == []


@pytest.fixture
def guarded(tmp_path):
    with Guarded(tmp_path / "keys") as running:
        yield running


def until(subscription, kind):
    while True:
        assert subscription.wait(PATIENCE_S), "nothing more came"
        for packet in subscription.receive(1):
            if isinstance(packet.body, kind):
                return packet.body


def publish(guarded, client, stream="bed-1", count=40):
    info = StreamInfo(stream, 200.0, ("II",))
    pieces = [Samples(stream, n * 50, np.full((50, 1), 0.25, np.float32)) for n in range(count)]
    with SamplePublisher(
        guarded.sockets.input_endpoint, keys=guarded.clients[client], patience_s=PATIENCE_S
    ) as publisher:
        publisher.publish(info, pieces)


@contextlib.contextmanager
def raw(guarded, room, kind, keys):
    """A plain socket of a client that plays by no rule."""
    context = zmq.Context()
    try:
        socket = new_socket(context, kind, 1000)
        refusal = connect(socket, getattr(guarded.sockets, f"{room}_endpoint"), f"--{room}", keys)
        yield socket, refusal
    finally:
        context.destroy(0)


@contextlib.contextmanager
def live_stream(guarded):
    """A stream of the client ``sender`` that has sent 100 samples and goes on."""
    with (
        Subscription(guarded.sockets.output_endpoint, keys=guarded.clients["doctor"]) as results,
        raw(guarded, "input", zmq.XPUB, guarded.clients["sender"]) as (socket, refusal),
    ):
        until(results, Heartbeat)
        assert socket.poll(PATIENCE_S * 1000)
        socket.recv()
        sender = Sender("source-1", "bed-1", 1)
        socket.send_multipart(sender.announce())
        socket.send_multipart(sender.samples(100))
        assert until(results, Samples).end_sample == 100
        yield sender, socket, refusal, results


def refused(act):
    """Why a client is refused, however long that takes."""

    def insist():
        end_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < end_s:
            act()

    with pytest.raises(MonitorError) as caught:
        insist()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_known_keys_do_what_they_may(guarded):
    at = guarded.sockets
    viewer, doctor = guarded.clients["viewer"], guarded.clients["doctor"]
    with Subscription(at.output_endpoint, keys=viewer) as subscription:
        until(subscription, Heartbeat)
        publish(guarded, "sender")
        assert until(subscription, Beat).stream == "bed-1"
        assert until(subscription, Alert).id == 0
        assert until(subscription, End) == End("bed-1", 2000)
    with (
        live_stream(guarded),
        contextlib.closing(ControlClient(at.control_endpoint, doctor)) as control,
    ):
        with pytest.raises(MonitorError, match="no stream 'bed-9'"):
            control.limits("bed-9", {"hr_high_bpm": 130}, PATIENCE_S)
        assert control.limits("bed-1", {"hr_high_bpm": 130}, PATIENCE_S)["hr_high_bpm"] == 130


def stranger(guarded):
    return ClientKeys(new_pair(), guarded.server)


def misled(guarded):
    return ClientKeys(guarded.clients["doctor"].own, new_pair().public)


def keyless(guarded):
    return None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("keys_of", "client_says", "server_says"),
    [
        (stranger, "not in its allow-list", ("is not in the allow-list", "from 127.0.0.1")),
        (misled, "server.key is not its key", ("knows another server key",)),
        (keyless, "lets in known keys only; give yours with --keys", ("without keys",)),
    ],
)
def test_others_are_refused_and_both_sides_say_so(guarded, keys_of, client_says, server_says):
    at, keys = guarded.sockets, keys_of(guarded)
    with Subscription(at.output_endpoint, keys=keys) as subscription:
        assert client_says in refused(lambda: subscription.wait(0.1))
        assert subscription.receive() == []
    guarded.heard("on --output", *server_says)
    with contextlib.closing(ControlClient(at.control_endpoint, keys)) as control:
        assert client_says in refused(lambda: control.limits("bed-1", {}, PATIENCE_S))
    guarded.heard("on --control", *server_says)
    with SamplePublisher(at.input_endpoint, guarded.log, keys=keys) as publisher:
        assert client_says in refused(publisher.wait_for_service)
        publisher.close(0)
    guarded.heard("on --input", *server_says)
    assert guarded.sockets.refusals >= 3
    with Subscription(at.output_endpoint, keys=guarded.clients["viewer"]) as subscription:
        while until(subscription, Heartbeat).denied < 3:
            pass
    everything = "\n".join(guarded.said)
    assert not any(c.own.secret.decode() in everything for c in guarded.clients.values())
    if keys_of is stranger:
        assert fingerprint(keys.own.public) in everything


def test_the_watcher_ends_when_it_is_refused(guarded):
    feed = SubscriberFeed(guarded.sockets.output_endpoint, keys=stranger(guarded))
    assert "refused by the service" in refused(lambda: feed.run(lambda message: None))


def test_a_viewer_can_neither_send_nor_control(guarded):
    at, viewer = guarded.sockets, guarded.clients["viewer"]
    with SamplePublisher(at.input_endpoint, guarded.log, keys=viewer) as publisher:
        assert "lacks the right" in refused(publisher.wait_for_service)
        publisher.close(0)
    guarded.heard("on --input", fingerprint(viewer.own.public), "(viewer) has no right to send")
    with live_stream(guarded), raw(guarded, "control", zmq.REQ, viewer) as (socket, _):

        def ask(**request):
            socket.send_json({"schema": 1, "stream": "bed-1"} | request)
            assert socket.poll(PATIENCE_S * 1000)
            return socket.recv_json()

        assert ask(command="state")["ok"]
        assert "hr_high_bpm" in ask(command="limits")["limits"]
        for request in (
            {"command": "acknowledge", "alert_id": None},
            {"command": "limits", "set": {"hr_high_bpm": 140}},
            {"command": "reboot"},
            {},
        ):
            answer = ask(**request)
            assert not answer["ok"]
            assert "lacks the right 'control'" in answer["error"]
        assert ask(command="limits")["limits"]["hr_high_bpm"] != 140
    guarded.heard("on --control", "(viewer) has no right to control")


def test_a_sender_can_neither_read_nor_control(guarded):
    at, sender = guarded.sockets, guarded.clients["sender"]
    with Subscription(at.output_endpoint, keys=sender) as subscription:
        assert "lacks the right" in refused(lambda: subscription.wait(0.1))
    with contextlib.closing(ControlClient(at.control_endpoint, sender)) as control:
        assert "lacks the right" in refused(lambda: control.limits("bed-1", {}, PATIENCE_S))
    guarded.heard("on --output", "(sender) has no right to subscribe")
    guarded.heard("on --control", "(sender) has no right to control or discharge or subscribe")


def test_a_stream_belongs_to_the_key_that_announced_it(guarded):
    with (
        live_stream(guarded) as (sender, socket, _, results),
        raw(guarded, "input", zmq.XPUB, guarded.clients["doctor"]) as (other, _),
    ):
        assert other.poll(PATIENCE_S * 1000)
        # announce it anew, send into it, end it: also under the name of the true sender
        rival, pretender = Sender("source-2", "bed-1", 1), Sender("source-1", "bed-1", 1)
        for frames in (
            rival.announce(),
            rival.samples(100, value=9.0),
            pretender.announce(start_sample=5000),
            pretender.samples(200, value=9.0),
            pretender.end(),
        ):
            other.send_multipart(frames)
        guarded.heard("refused a message", "belongs to another key")
        while until(results, Heartbeat).refused < 5:
            pass
        socket.send_multipart(sender.samples(100))
        socket.send_multipart(sender.end())
        samples = until(results, Samples)
        assert (samples.start_sample, float(samples.values_mv.max())) == (100, 0.25)
        assert until(results, End) == End("bed-1", 200)


@pytest.mark.slow
def test_a_revoked_subscriber_is_cut_off_and_the_others_notice_nothing(guarded):
    at, viewer, doctor = guarded.sockets, guarded.clients["viewer"], guarded.clients["doctor"]
    with (
        Subscription(at.output_endpoint, keys=viewer) as cut,
        Subscription(at.output_endpoint, keys=doctor) as kept,
    ):
        until(cut, Heartbeat)
        until(kept, Heartbeat)
        guarded.allow(sender=("send",), doctor=EVERYTHING)
        assert "not in its allow-list" in refused(lambda: cut.wait(0.1))
        guarded.heard(fingerprint(viewer.own.public), "is not in the allow-list")
        cut.receive(1000)
        publish(guarded, "sender")
        until(kept, End)
        assert cut.receive() == []
        total = kept.sequences.total()
        assert (total.lost, total.duplicates) == (0, 0)


def test_a_revoked_sender_is_cut_off_in_the_middle_of_its_stream(guarded):
    with live_stream(guarded) as (sender, socket, refusal, results):
        guarded.allow(doctor=EVERYTHING)
        guarded.heard("allow-list read: 1 client(s)")
        results.receive(1000)
        for _ in range(20):
            socket.send_multipart(sender.samples(100), zmq.NOBLOCK)
        guarded.heard("on --input", "is not in the allow-list")

        def look():
            socket.poll(100)
            refusal.check()

        assert "refused by the service" in refused(look)
        until(results, Heartbeat)
        assert not any(isinstance(p.body, Samples) for p in results.receive(1000))


def test_who_loses_a_right_keeps_the_others(guarded):
    at, doctor = guarded.sockets, guarded.clients["doctor"]
    with (
        live_stream(guarded),
        contextlib.closing(ControlClient(at.control_endpoint, doctor)) as control,
    ):
        assert control.limits("bed-1", {"hr_high_bpm": 130}, PATIENCE_S)["hr_high_bpm"] == 130
        guarded.allow(sender=("send",), doctor=("subscribe",))
        guarded.heard("allow-list read")
        assert control.limits("bed-1", {}, PATIENCE_S)["hr_high_bpm"] == 130
        with pytest.raises(MonitorError, match="refused: your key lacks the right 'control'"):
            control.limits("bed-1", {"hr_high_bpm": 140}, PATIENCE_S)


def test_a_new_client_is_let_in_while_it_runs(guarded):
    guarded.clients["nurse"] = ClientKeys(new_pair(), guarded.server)
    guarded.allow(doctor=EVERYTHING, nurse=("subscribe",))
    guarded.heard("allow-list read: 2 client(s)")
    with Subscription(guarded.sockets.output_endpoint, keys=guarded.clients["nurse"]) as nurse:
        until(nurse, Heartbeat)


@pytest.mark.slow
@pytest.mark.parametrize("text", ["", "clients = 5", "[[clients]]\nname = 'x'", "\x00", None])
def test_a_broken_list_changes_nothing(guarded, text):
    path = guarded.folder / "clients.toml"
    with Subscription(guarded.sockets.output_endpoint, keys=guarded.clients["viewer"]) as viewer:
        until(viewer, Heartbeat)
        if text is None:
            path.unlink()
        else:
            path.write_text(text)
        guarded.heard("allow-list", "the list read before stays in force")
        until(viewer, Heartbeat)
        until(viewer, Heartbeat)
        guarded.allow(viewer=("subscribe",))  # put right
        guarded.heard("allow-list read: 1 client(s)")


def test_without_a_sound_list_or_key_the_service_does_not_start(tmp_path):
    folder = tmp_path / "keys"
    for break_it, match in (
        (lambda: None, "holds no server key; make it: ecg-monitor keys make server"),
        (lambda: make_pair(folder, "server"), "clients.toml is not there"),
        (lambda: (folder / "clients.toml").write_text("clients = [7]"), "must be a table"),
        (lambda: (folder / "clients.toml").chmod(0o666), "can be changed by others"),
        (lambda: (folder / "server.key_secret").chmod(0o644), "can be read by others"),
    ):
        break_it()
        with pytest.raises(MonitorError, match=match):
            ServiceSockets(FREE, FREE, FREE, folder)


def test_keys_open_addresses_beyond_loopback(tmp_path):
    make_pair(tmp_path, "server")
    make_pair(tmp_path, "client")
    keys = load_client(tmp_path)
    save(AllowList((Client("me", keys.own.public, ("subscribe",)),)), tmp_path / "clients.toml")
    with ServiceSockets(FREE, "tcp://0.0.0.0:*", FREE, tmp_path) as sockets:
        at = sockets.output_endpoint.replace("0.0.0.0", "127.0.0.1")
        with Subscription(at, keys=keys):
            for _ in range(PATIENCE_S * 100):
                sockets.wait(0.01)
                if sockets.newcomers():
                    return
    pytest.fail("the subscription never came")


def test_garbage_from_a_known_key_is_answered_like_any_other(guarded):
    with raw(guarded, "control", zmq.REQ, guarded.clients["doctor"]) as (socket, _):
        for frames in ([b""], [b"x"] * 500, [b"{}", b"{}"], [json.dumps([1]).encode()]):
            socket.send_multipart(frames)
            assert socket.poll(PATIENCE_S * 1000)
            assert socket.recv_json()["ok"] is False
