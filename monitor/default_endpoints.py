"""Default endpoints of a service, and the port of its central station."""

INPUT = "tcp://127.0.0.1:5555"
OUTPUT = "tcp://127.0.0.1:5556"
CONTROL = "tcp://127.0.0.1:5557"
WEB = "8765"
