"""Default endpoints of a service."""

INPUT = "tcp://127.0.0.1:5555"
OUTPUT = "tcp://127.0.0.1:5556"
CONTROL = "tcp://127.0.0.1:5557"
