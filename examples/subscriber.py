"""Print every beat and alert of a running `ecg-monitor serve`. Needs pyzmq only."""

import json

import zmq

socket = zmq.Context().socket(zmq.SUB)
socket.connect("tcp://127.0.0.1:5556")
for kind in ("beat.", "alert."):
    socket.setsockopt_string(zmq.SUBSCRIBE, kind)
while True:
    topic, header = socket.recv_multipart()
    message = json.loads(header)
    print(topic.decode(), message["sample"], message.get("label") or message["text"], flush=True)
