"""The example senders in Python, Node.js and C, to a real server: each as good as the replay."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import wfdb
import zmq
from monitor_process import PATIENCE_S, serving, wait_for

from monitor.cli import main
from monitor.messages import End, Samples, StreamInfo
from monitor.pipeline import Pipeline
from monitor.wire.jsonform import to_line
from monitor.wire.keys import load_client

pytestmark = pytest.mark.slow

SENDERS = Path(__file__).resolve().parents[2] / "tools" / "senders"
RATE_HZ, SECONDS = 360, 20
ZMQ_NAMES = (
    *("XPUB", "SNDMORE", "DONTWAIT", "XPUB_VERBOSE", "XPUB_NODROP", "LINGER"),
    *("CURVE_PUBLICKEY", "CURVE_SECRETKEY", "CURVE_SERVERKEY"),
)


@pytest.fixture(scope="module")
def signal_mv(data_dir):
    record = wfdb.rdrecord(str(data_dir / "mitdb" / "208"), sampto=SECONDS * RATE_HZ)
    values = record.p_signal.astype(np.float32)
    values[700:705, 1] = np.nan
    return values


@pytest.fixture(scope="module")
def expected(signal_mv):
    """Events of the same signal without any socket; the source is not told by the senders."""
    info = StreamInfo("x", float(RATE_HZ), ("MLII", "V1"))
    pipeline = Pipeline(info)
    events = [*pipeline.push(Samples("x", 0, signal_mv)), *pipeline.flush()]
    messages = [info, *events, End("x", len(signal_mv))]
    return [to_line(message) for message in messages]


@pytest.fixture(scope="module", params=["open", "with keys"])
def service(request, tmp_path_factory):
    """A running service and what a client must know to get in."""
    if request.param == "open":
        with serving("--json") as (process, at):
            yield process, at["input"], {}
            process.signal(signal.SIGTERM)
            process.finish()
        return
    server, client = (tmp_path_factory.mktemp("keys") / name for name in ("server", "client"))
    assert main(["keys", "make", "server", "--keys", str(server)]) == 0
    assert main(["keys", "make", "client", "--keys", str(client)]) == 0
    shutil.copy(server / "server.key", client)
    allow = ["allow", "gateway", str(client / "client.key"), "--right", "send"]
    assert main(["keys", *allow, "--keys", str(server)]) == 0
    keys = load_client(client)
    known = {
        "ECG_SERVER_KEY": keys.server_public,
        "ECG_PUBLIC_KEY": keys.own.public,
        "ECG_SECRET_KEY": keys.own.secret.decode(),
    }
    with serving("--json", "--keys", str(server)) as (process, at):
        yield process, at["input"], known
        process.signal(signal.SIGTERM)
        process.finish()


def check(command, service, signal_mv, expected, stream):
    process, endpoint, known = service
    text = "".join(" ".join(f"{value:.9g}" for value in row) + "\n" for row in signal_mv)
    done = subprocess.run(
        [*map(str, command), endpoint, stream, str(RATE_HZ), "MLII,V1"],
        input=text, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        env=os.environ | known,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"sent {len(signal_mv)} samples of {stream}\n"

    def of_stream(lines):
        return [message for message in map(json.loads, lines) if message["stream"] == stream]

    process.until_lines(lambda lines: [m for m in of_stream(lines) if m["type"] == "end"])
    assert sum(message["type"] == "beat" for message in expected) > 20
    assert of_stream(process.lines) == [{**message, "stream": stream} for message in expected]


def test_the_python_sender(service, signal_mv, expected):
    check([sys.executable, SENDERS / "sender.py"], service, signal_mv, expected, "python")


@pytest.mark.xdist_group("node")
def test_the_node_sender(service, signal_mv, expected, node_folder):
    script = node_folder / "sender.js"
    shutil.copy(SENDERS / "sender.js", script)
    check(["node", script], service, signal_mv, expected, "node")


@pytest.fixture(scope="session")
def c_sender(tmp_path_factory):
    """The sender in C, compiled against libzmq: the system's, else the one inside pyzmq."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        pytest.skip("needs a C compiler")
    folder = tmp_path_factory.mktemp("c")
    build = [compiler, "-std=c11", "-Wall", "-Wextra", "-Werror", "-O2", SENDERS / "sender.c"]
    build += ["-o", folder / "sender"]
    if subprocess.run([*build, "-lzmq"], capture_output=True, check=False).returncode == 0:
        return folder / "sender"
    inside = Path(zmq.__file__).resolve().parent.parent / "pyzmq.libs"
    library = next(inside.glob("libzmq*.so*"), None)
    if library is None:
        pytest.skip("needs libzmq with its header, or a pyzmq that brings its own")
    (folder / "zmq.h").write_text(declarations())
    build += ["-I", folder, library, f"-Wl,-rpath,{inside}", "-Wl,--allow-shlib-undefined"]
    subprocess.run(build, check=True)
    return folder / "sender"


def declarations():
    """What the sender uses of libzmq's stable interface, for machines without its header."""
    constants = "".join(f"#define ZMQ_{name} {int(getattr(zmq, name))}\n" for name in ZMQ_NAMES)
    return (
        "#include <stddef.h>\n" + constants + "void *zmq_ctx_new(void);\n"
        "int zmq_ctx_term(void *);\nvoid *zmq_socket(void *, int);\nint zmq_close(void *);\n"
        "int zmq_connect(void *, const char *);\nint zmq_errno(void);\n"
        "int zmq_setsockopt(void *, int, const void *, size_t);\n"
        "int zmq_send(void *, const void *, size_t, int);\nconst char *zmq_strerror(int);\n"
        "int zmq_recv(void *, void *, size_t, int);\n"
    )


def test_the_c_sender(service, signal_mv, expected, c_sender):
    check([c_sender], service, signal_mv, expected, "c")


@pytest.mark.parametrize("line", ["1", "1 2 3", "1 x", ""])
def test_the_c_sender_refuses_a_line_that_does_not_fit(c_sender, line):
    with zmq.Context() as context, context.socket(zmq.SUB) as server:
        port = server.bind_to_random_port("tcp://127.0.0.1")
        server.setsockopt(zmq.SUBSCRIBE, b"")
        command = [c_sender, f"tcp://127.0.0.1:{port}", "x", "250", "II,V1"]
        pipes = dict.fromkeys(("stdin", "stderr"), subprocess.PIPE)
        with subprocess.Popen(command, text=True, **pipes) as sender:
            sender.stdin.write(f"1 2\n{line}\n")
            sender.stdin.close()
            # only while the server is looked at does its subscription leave
            wait_for(lambda: [server.poll(20), sender.poll()][1] is not None, "its end")
            said = sender.stderr.read()
        assert sender.returncode == 1
        assert "sender: line 2: " in said
