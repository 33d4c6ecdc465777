"""Python code for a service: links to its workers that can be cut, and workers that outlive that.

While there is a file ``CUT`` with the number of a worker behind, nothing passes between it and the
front. A worker that is replaced is not killed, as one on a machine that cannot be reached.
"""

CODE = """
import os, socket, threading, time
from dataclasses import replace
from monitor.workers import crew

CUT = {cut!r}
real = crew.LocalLauncher.__init__, crew.LocalLauncher.start
crew.LocalProcess.kill = crew.LocalProcess.close = lambda process: None

def init(launcher, folder, workers):
    real[0](launcher, folder, workers)
    launcher.place = "127.0.0.1"
    launcher.started = 0

def start(launcher, address):
    launcher.started += 1
    cut = f"{{CUT}}{{launcher.started}}"
    ways = {{n: relayed(getattr(address, n), cut) for n in ("endpoint", "urgent")}}
    return real[1](launcher, replace(address, **ways))

def relayed(endpoint, cut):
    host, port = endpoint.removeprefix("tcp://").split(":")
    door = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, args=(door, (host, int(port)), cut), daemon=True).start()
    return f"tcp://127.0.0.1:{{door.getsockname()[1]}}"

def serve(door, target, cut):
    while True:
        one, _ = door.accept()
        other = socket.create_connection(target)
        for pair in ((one, other), (other, one)):
            threading.Thread(target=pump, args=(*pair, cut), daemon=True).start()

def pump(one, other, cut):
    try:
        while data := one.recv(65536):
            while os.path.exists(cut):
                time.sleep(0.02)
            other.sendall(data)
    except OSError:
        pass

crew.LocalLauncher.__init__, crew.LocalLauncher.start = init, start
"""


def relaying(cut):
    return CODE.format(cut=str(cut))
