"""Outlets of the Lab Streaming Layer, each in a process of its own, as a device is.

Run as a program: the description comes as JSON in the first argument, then a command a line.
"""

import json
import os
import subprocess
import sys
import uuid

import numpy as np


class Outlet:
    """A stream of a device.

    Parameters
    ----------
    labels, kinds
        Of the channels.
    unit
        Of all channels; None or empty: none is said.
    form, rate_hz, kind, source, name, count
        As in ``pylsl.StreamInfo``.
    """

    def __init__(
        self, labels=("II", "V5"), unit="microvolts", rate_hz=360.0, kind="ECG", source="device-1",
        kinds=(), form="float32", count=None, name=None,
    ):  # fmt: skip
        self.name = name or f"bed {uuid.uuid4().hex[:8]}"
        count = count or len(labels)
        names = [*labels, *[""] * (count - len(labels))]
        of_channels = dict(zip(names, [*kinds, *[""] * count], strict=False)) if labels else {}
        self.said = json.dumps(
            [self.name, kind, count, rate_hz, form, source, unit or "", list(of_channels.items())]
        )
        self.begin()

    def begin(self):
        """Start the device, or start it again."""
        self.process = subprocess.Popen(
            [sys.executable, __file__, self.said],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ,
        )
        assert self.process.stdout.readline() == "ready\n"

    def ask(self, command, *values):
        """Have a command done; give its answer."""
        self.process.stdin.write(json.dumps([command, *values]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def wait(self):
        """Wait for somebody who listens."""
        assert self.ask("wait")

    def heard(self):
        """Whether somebody listens now."""
        return self.ask("heard")

    def push(self, rows, times):
        """Send rows with their time stamps."""
        assert self.ask("push", np.asarray(rows).tolist(), np.asarray(times).tolist())

    def end(self):
        """Stop the device."""
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def main(said):
    """Be the device."""
    import pylsl

    name, kind, count, rate_hz, form, source, unit, of_channels = json.loads(said)
    info = pylsl.StreamInfo(name, kind, count, rate_hz, form, source)
    channels = info.desc().append_child("channels")
    for label, channel_kind in of_channels:
        channel = channels.append_child("channel")
        channel.append_child_value("label", label)
        if unit:
            channel.append_child_value("unit", unit)
        channel.append_child_value("type", channel_kind)
    outlet = pylsl.StreamOutlet(info, chunk_size=32)
    answers = sys.stdout
    answers.write("ready\n")
    answers.flush()
    for line in sys.stdin:
        command, *values = json.loads(line)
        if command == "push":
            for row, stamp in zip(*values, strict=True):
                outlet.push_sample(row, stamp)
            answer = True
        else:
            answer = {
                "wait": lambda: outlet.wait_for_consumers(300),
                "heard": outlet.have_consumers,
            }[command]()
        answers.write(json.dumps(bool(answer)) + "\n")
        answers.flush()


if __name__ == "__main__":
    main(sys.argv[1])
