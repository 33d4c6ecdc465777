"""Real sockets on free loopback ports: what may be bound, and that nothing is lost or unbounded."""

import socket
import threading
from contextlib import contextmanager

import numpy as np
import pytest
import zmq

from monitor.errors import MonitorError
from monitor.messages import End, Samples, StreamInfo
from monitor.wire import endpoints
from monitor.wire.endpoints import MAX_FRAME_BYTES, is_loopback
from monitor.wire.frames import decode
from monitor.wire.protocol import MAX_PAYLOAD_BYTES, MAX_SIGNAL_S
from monitor.wire.publisher import SamplePublisher
from monitor.wire.sockets import INPUT_QUEUE, ServiceSockets

FREE = "tcp://127.0.0.1:*"
PATIENCE_S = 600


@contextmanager
def service_sockets(**endpoints):
    given = {"input_endpoint": FREE, "output_endpoint": FREE, "control_endpoint": FREE}
    with ServiceSockets(**(given | endpoints)) as opened:
        yield opened


@contextmanager
def in_thread(work):
    """Run ``work`` beside the test; what it raises is raised here."""
    failed = []

    def guarded():
        try:
            work()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=guarded)
    thread.start()
    try:
        yield
    finally:
        thread.join(PATIENCE_S)
    assert not thread.is_alive()
    if failed:
        raise failed[0]


def receive_until_end(opened):
    packets = []
    while not packets or not isinstance(packets[-1].body, End):
        assert opened.wait(PATIENCE_S), f"nothing more came after {len(packets)} messages"
        packets += [decode(frames) for frames, _ in opened.receive(10)]
    return packets


@pytest.mark.parametrize(
    ("endpoint", "loopback"),
    [
        ("tcp://127.0.0.1:5555", True),
        ("tcp://127.1.2.3:*", True),
        ("tcp://localhost:5555", True),
        ("tcp://[::1]:5555", True),
        ("tcp://lo:5555", True),
        ("ipc:///tmp/x", True),
        ("tcp://*:5555", False),
        ("tcp://0.0.0.0:5555", False),
        ("tcp://192.168.1.4:5555", False),
        ("tcp://[::]:5555", False),
        ("tcp://127.0.0.1.example.org:5555", False),
        ("tcp://127.example.org:5555", False),
        ("tcp://eth0:5555", False),
        ("tcp://eth0;127.0.0.1:5555", False),
    ],
)
def test_what_counts_as_loopback(endpoint, loopback):
    assert is_loopback(endpoint) is loopback


@pytest.mark.parametrize("option", ["input", "output", "control"])
@pytest.mark.parametrize(
    ("endpoint", "match"),
    [
        ("tcp://0.0.0.0:*", "other machines.*--keys DIR.*--insecure"),
        ("127.0.0.1:5555", "write it like tcp://"),
        ("tcp://", "write it like tcp://"),
        ("", "write it like tcp://"),
        ("http://127.0.0.1:5555", "write it like tcp://"),
        ("tcp://127.0.0.1:99999", "write it like tcp://"),
        ("tcp://127.0.0.1:five", "write it like tcp://"),
        ("tcp://127.0.0.1", "--insecure|write it like tcp://"),
    ],
)
def test_an_endpoint_that_cannot_be_bound_is_explained(option, endpoint, match):
    with (
        pytest.raises(MonitorError, match=f"^--{option} .*({match})") as caught,
        service_sockets(**{f"{option}_endpoint": endpoint}),
    ):
        pass
    assert "\n" not in str(caught.value)


def test_a_busy_port_is_explained_and_nothing_stays_open():
    with service_sockets() as first:
        with (
            pytest.raises(MonitorError, match="busy"),
            service_sockets(control_endpoint=first.control_endpoint),
        ):
            pass
        taken = first.input_endpoint
    with service_sockets(input_endpoint=taken):
        pass


def test_beyond_loopback_only_when_told_so():
    with ServiceSockets("tcp://0.0.0.0:*", FREE, FREE, insecure=True) as opened:
        assert opened.input_endpoint.startswith("tcp://0.0.0.0:")


def test_a_publisher_says_what_is_wrong_with_its_endpoint():
    with pytest.raises(MonitorError, match=r"--publish.*write it like"):
        SamplePublisher("localhost")


def test_a_publisher_gives_up_when_nobody_comes():
    said = []
    clock = iter(range(0, 100, 2))
    with SamplePublisher("tcp://127.0.0.1:9", said.append, 3, lambda: next(clock)) as publisher:
        with pytest.raises(MonitorError, match=r"no service at tcp://127.0.0.1:9 after \d s"):
            publisher.publish(StreamInfo("a", 360, ("II",)), [])
        publisher.close(0)
    assert said == ["waiting for `ecg-monitor serve` at tcp://127.0.0.1:9"]


@pytest.mark.slow
def test_nothing_is_lost_and_memory_is_bounded_when_the_source_is_faster():
    """200 MB through queues of 64 messages: the source must have been held back."""
    chunk, count = 8192, 400
    info = StreamInfo("fast", 1000.0, tuple(f"L{n}" for n in range(16)))
    made = []

    def chunks():
        for number in range(count):
            made.append(number)
            yield Samples("fast", number * chunk, np.full((chunk, 16), number, np.float32))

    def publish():
        with SamplePublisher(opened.input_endpoint) as publisher:
            assert publisher.publish(info, chunks()) == count * chunk

    samples, numbers, most_ahead = [], [], 0
    with service_sockets() as opened, in_thread(publish):
        opened.open_input()
        while len(samples) < count:
            assert opened.wait(PATIENCE_S)
            most_ahead = max(most_ahead, len(made) - len(samples))
            for packet in (decode(frames) for frames, _ in opened.receive(1)):
                if isinstance(packet.body, Samples):
                    samples.append((packet.body.start_sample, packet.body.values_mv[:, 0].mean()))
                    numbers.append(packet.sequence)
        assert isinstance(receive_until_end(opened)[-1].body, End)
    assert samples == [(n * chunk, n) for n in range(count)]
    assert numbers == list(range(count))
    # two queues, and what the kernel holds of a connection (some MB)
    assert most_ahead < 2 * INPUT_QUEUE + 60


@pytest.mark.slow
def test_nothing_is_sent_before_the_service_takes_samples():
    info = StreamInfo("a", 360.0, ("II",))
    said = threading.Event()

    def publish():
        with SamplePublisher(opened.input_endpoint, lambda text: said.set()) as publisher:
            publisher.publish(info, [Samples("a", 0, np.zeros((10, 1), np.float32))])

    with service_sockets() as opened, in_thread(publish):
        assert said.wait(PATIENCE_S)  # it waits for us
        assert list(opened.receive(10)) == []
        opened.open_input()
        bodies = [p.body for p in receive_until_end(opened)]
    assert [type(b) for b in bodies] == [StreamInfo, Samples, StreamInfo, End]
    assert bodies[0] == info


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rate_hz", "leads", "length", "first"),
    [(1000.0, 32, 12_000, MAX_PAYLOAD_BYTES // 128), (360.0, 2, 10_800, MAX_SIGNAL_S * 360)],
    ids=["bytes", "seconds"],
)
def test_a_chunk_too_large_for_a_message_is_cut(rate_hz, leads, length, first):
    values = np.arange(length * leads, dtype=np.float32).reshape(length, leads)
    info = StreamInfo("a", rate_hz, tuple(f"L{n}" for n in range(leads)), start_sample=100)
    wall_ns = 1_700_000_000_000_000_000

    def publish():
        with SamplePublisher(opened.input_endpoint) as publisher:
            publisher.publish(info, [Samples("a", 100, values, wall_ns)])

    with service_sockets() as opened, in_thread(publish):
        opened.open_input()
        bodies = [p.body for p in receive_until_end(opened)]
    pieces = [b for b in bodies if isinstance(b, Samples)]
    assert [len(piece.values_mv) for piece in pieces] == [first, length - first]
    assert pieces[1].start_sample == pieces[0].end_sample
    assert [piece.wall_ns - wall_ns for piece in pieces] == [0, round(first / rate_hz * 1e9)]
    np.testing.assert_array_equal(np.concatenate([p.values_mv for p in pieces]), values)
    assert bodies[-1] == End("a", 100 + length)


def test_the_announcement_is_repeated_with_the_next_sample():
    info = StreamInfo("a", 360.0, ("II",), 0, "test")
    seconds = iter(range(100))

    def publish():
        with SamplePublisher(opened.input_endpoint, clock=lambda: next(seconds)) as publisher:
            publisher.publish(
                info, [Samples("a", n * 10, np.zeros((10, 1), np.float32)) for n in range(3)]
            )

    with service_sockets() as opened, in_thread(publish):
        opened.open_input()
        bodies = [p.body for p in receive_until_end(opened)]
    announced = [b for b in bodies if isinstance(b, StreamInfo)]
    assert len(announced) > 2
    assert announced[1] == StreamInfo("a", 360.0, ("II",), announced[1].start_sample, "test")
    assert bodies.index(announced[1]) > 1
    before = bodies[: bodies.index(announced[1])]
    assert announced[1].start_sample == 10 * sum(isinstance(b, Samples) for b in before)


def test_a_source_that_fails_ends_its_stream():
    def broken():
        yield Samples("a", 0, np.zeros((10, 1), np.float32))
        raise MonitorError("the record is truncated")

    def publish():
        with (
            SamplePublisher(opened.input_endpoint) as publisher,
            pytest.raises(MonitorError, match="truncated"),
        ):
            publisher.publish(StreamInfo("a", 360.0, ("II",)), broken())

    with service_sockets() as opened, in_thread(publish):
        opened.open_input()
        assert receive_until_end(opened)[-1].body == End("a", 10)


def subscribed(sender, opened):
    """Wait until the service's subscription has reached a sender."""
    for _ in range(PATIENCE_S * 50):
        opened.wait(0)  # the service's socket only works when it is looked at
        if sender.poll(20):
            return sender.recv()[:1] == b"\x01"
    return False


def test_a_frame_beyond_the_limit_is_never_read(context):
    with service_sockets() as opened:
        opened.open_input()
        sender = context.socket(zmq.XPUB)
        sender.setsockopt(zmq.XPUB_NODROP, 1)
        monitor = sender.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        sender.connect(opened.input_endpoint)
        assert subscribed(sender, opened)
        sender.send_multipart([b"samples.a", b"{}", bytes(MAX_FRAME_BYTES + 1)])
        assert monitor.poll(PATIENCE_S * 1000)  # the connection is dropped
        sender.disable_monitor()
        other = context.socket(zmq.XPUB)
        other.connect(opened.input_endpoint)
        assert subscribed(other, opened)
        other.send_multipart([b"small"])
        assert opened.wait(PATIENCE_S)
        assert list(opened.receive(10)) == [([b"small"], "")]


OLD_PEER = b"\x01\x00"  # greeting of ZMTP 1: an identity of no bytes
NO_REQUEST = b"\x02\x01a\x02\x00b"  # two frames, and none of them empty


def next_request(opened):
    """Wait for a request; give its text."""
    while (request := opened.request()) is None:
        assert opened.wait(PATIENCE_S)
    return request[0]


def test_what_is_no_request_takes_no_answer_from_the_next_client(context):
    said = []
    with service_sockets(log=said.append) as opened:
        address, port = opened.control_endpoint.removeprefix("tcp://").split(":")
        with socket.create_connection((address, int(port))) as stranger:
            stranger.sendall(OLD_PEER + NO_REQUEST)
            assert opened.wait(PATIENCE_S)
        while not said:  # it has hung up
            assert opened.wait(PATIENCE_S)
        client = context.socket(zmq.REQ)
        client.connect(opened.control_endpoint)
        client.send(b"question")
        assert next_request(opened) == b"question"
        opened.reply(b"answer")
        assert client.poll(PATIENCE_S * 1000)
        assert client.recv() == b"answer"


def test_a_request_of_several_frames_is_empty(context):
    with service_sockets() as opened:
        client = context.socket(zmq.REQ)
        client.connect(opened.control_endpoint)
        client.send_multipart([b"one", b"two"])
        assert next_request(opened) == b""
        opened.reply(b"no")
        assert client.poll(PATIENCE_S * 1000)


def test_a_service_that_is_only_silent_has_not_refused(context):
    """Stopped for a while, it goes on; a client that waits must not give up."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = endpoints.new_socket(context, zmq.SUB, 10)
        client.setsockopt(zmq.HANDSHAKE_IVL, 50)
        client.setsockopt(zmq.RECONNECT_IVL, 10)
        refusal = endpoints.connect(
            client, f"tcp://127.0.0.1:{silent.getsockname()[1]}", "--connect"
        )
        peers = []
        for _ in range(2 * endpoints.HANG_UPS):  # it accepts, and says nothing
            peers.append(silent.accept()[0])
            client.poll(60)
            refusal.check()
        for peer in peers:
            peer.close()


def test_hung_up_on_again_and_again_is_refused(context):
    with socket.create_server(("127.0.0.1", 0)) as rude:
        client = endpoints.new_socket(context, zmq.SUB, 10)
        client.setsockopt(zmq.RECONNECT_IVL, 10)
        refusal = endpoints.connect(client, f"tcp://127.0.0.1:{rude.getsockname()[1]}", "--connect")
        for _ in range(endpoints.HANG_UPS):
            refusal.check()
            rude.accept()[0].close()

        def wait():
            for _ in range(PATIENCE_S * 100):
                client.poll(10)
                refusal.check()

        with pytest.raises(MonitorError, match=r"refused by the service.*--keys DIR"):
            wait()
