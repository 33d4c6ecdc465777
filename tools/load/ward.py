"""A ward of simulated patients: many streams from one process, in real time.

    python -m tools.load.ward --beds 12 --publish tcp://127.0.0.1:5555

Each bed is a stream of its own, two leads, sent in pieces of 0.1 s; the scenarios go round. So the
central station has something to show, and its cost can be measured.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

import numpy as np
import zmq

from monitor.messages import Samples, StreamInfo
from tools.load.streams import Source, signal

LEADS = ("II", "V1")
PIECE_S = 0.1
CALM = ("sinus", "pac", "lbbb", "pvc", "rbbb", "brady", "paced", "af")
EVENTFUL = (
    *("sinus", "vt", "pvc", "af", "pac", "lead_off", "bigeminy", "asystole", "lbbb", "tachy"),
    *("rbbb", "svt", "brady", "run", "paced", "flutter"),
)
LENGTH_S = 120.0
ANNOUNCE_S = 1.0


class WardSender:
    """Sends beds until told to stop.

    Parameters
    ----------
    endpoint
        The ``--input`` of the service.
    beds
        How many.
    scenarios
        What happens to them, in turn.
    rate_hz
        Sampling rate.
    silent
        The last so many beds fall silent after ``silent_s``.
    """

    def __init__(
        self,
        endpoint: str,
        beds: int,
        scenarios: Sequence[str],
        rate_hz: float = 250.0,
        silent: int = 0,
        silent_s: float = 20.0,
    ) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._context.set(zmq.MAX_SOCKETS, beds + 16)
        kinds = {name: signal(name, LENGTH_S, rate_hz, LEADS) for name in scenarios[:beds]}
        self._signals = [kinds[scenarios[k % len(scenarios)]] for k in range(beds)]
        self._piece = round(PIECE_S * rate_hz)
        self._silent, self._silent_s = silent, silent_s
        self._sources = [
            Source(self._context, endpoint, StreamInfo(f"bed-{k + 1}", rate_hz, LEADS, 0, name))
            for k, name in ((k, scenarios[k % len(scenarios)]) for k in range(beds))
        ]

    def run(self, seconds: float) -> None:
        """Send for so long."""
        for source in self._sources:
            source.announce()
        began_s = time.monotonic()
        for piece in range(int(seconds / PIECE_S)):
            wait_s = began_s + (piece + 1) * PIECE_S - time.monotonic()
            if wait_s > 0:
                time.sleep(wait_s)
            sending = self._sources
            if self._silent and piece * PIECE_S > self._silent_s:
                sending = sending[: -self._silent]
            for k, source in enumerate(sending):
                if piece % round(ANNOUNCE_S / PIECE_S) == 0:
                    source.send(source.info)
                values = self._signals[k]
                # each bed begins elsewhere in its signal, so that they do not beat together
                places = np.arange(piece * self._piece, (piece + 1) * self._piece)
                rows = values[(places + k * 7 * self._piece) % len(values)]
                source.send(Samples(source.info.stream, int(places[0]), rows))

    def close(self) -> None:
        """Close at once."""
        self._context.destroy(0)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--beds", type=int, default=12)
    parser.add_argument("--publish", metavar="ENDPOINT", default="tcp://127.0.0.1:5555")
    parser.add_argument("--rate-hz", type=float, default=250.0)
    parser.add_argument("--seconds", type=float, default=1e6)
    parser.add_argument("--calm", action="store_true", help="nothing but quiet rhythms")
    parser.add_argument("--silent", type=int, default=0, help="so many fall silent after 20 s")
    args = parser.parse_args(argv)
    scenarios = CALM if args.calm else EVENTFUL
    sender = WardSender(args.publish, args.beds, scenarios, args.rate_hz, args.silent)
    try:
        sender.run(args.seconds)
    except KeyboardInterrupt:
        return 130
    finally:
        sender.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
