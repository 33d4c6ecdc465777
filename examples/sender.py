"""Send one second of ECG after another to a running `ecg-monitor serve`. Needs pyzmq and numpy."""

import json
import time
import uuid
from collections import Counter

import numpy as np
import zmq

socket = zmq.Context().socket(zmq.PUB)
socket.connect("tcp://127.0.0.1:5555")
publisher, sequence, rate_hz = uuid.uuid4().hex, Counter(), 250


def send(kind, *payload, **fields):
    """Send one message: topic, JSON header and, for samples, the payload."""
    header = {
        "schema": 1,
        "publisher": publisher,  # new at every start
        "sequence": sequence[kind],  # 0, 1, 2, ... for each kind: the server sees losses
        "sent_ns": time.time_ns(),
    }
    sequence[kind] += 1
    topic = f"{kind}.bed-7".encode()
    socket.send_multipart([topic, json.dumps(header | fields).encode(), *payload])


for second in range(3600):
    start = second * rate_hz
    millivolts = np.zeros((rate_hz, 2), "<f4")  # read your device here: (samples, leads)
    # announced again each second, so that the server may start at any time
    send("info", rate_hz=rate_hz, unit="mV", leads=["II", "V1"], start_sample=start)
    send("samples", millivolts.tobytes(), start_sample=start, shape=list(millivolts.shape))
    time.sleep(1)
