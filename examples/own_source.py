"""A source of your own: here a NumPy file, shape (samples, leads), in millivolts.

    python examples/own_source.py signal.npy --rate 250 --leads II,V5
    python examples/own_source.py signal.npy --rate 250 --leads II,V5 --publish tcp://127.0.0.1:5555

The first prints the alerts of an analysis in this process. The second sends the samples to a
running `ecg-monitor serve`.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from monitor.messages import Alert, Samples, StreamInfo
from monitor.pipeline import Pipeline
from monitor.sources import Source, pieces, stream_name
from monitor.wire.publisher import SamplePublisher


class NumpyFile:
    """A `Source`: it tells what the stream is and how long, and gives its samples."""

    def __init__(self, path: Path, rate_hz: float, leads: tuple[str, ...]) -> None:
        self.values_mv = np.load(path, allow_pickle=False).astype(np.float32)
        if self.values_mv.ndim != 2 or self.values_mv.shape[1] != len(leads):
            raise SystemExit(f"{path}: shape {self.values_mv.shape}, not (samples, {len(leads)})")
        self.samples = len(self.values_mv)
        self.info = StreamInfo(stream_name(path.stem), rate_hz, leads, source=f"NumPy {path.name}")

    def chunks(self) -> Iterator[Samples]:
        """Give a quarter of a second at a time."""
        return pieces(self.info, 0, self.values_mv, round(self.info.rate_hz / 4))


def main() -> None:
    """Analyse the file, or send it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--rate", type=float, required=True, metavar="HZ")
    parser.add_argument("--leads", type=lambda text: tuple(text.split(",")), required=True)
    parser.add_argument("--publish", metavar="ENDPOINT")
    args = parser.parse_args()
    source: Source = NumpyFile(args.path, args.rate, args.leads)
    if args.publish:
        with SamplePublisher(args.publish) as publisher:
            publisher.publish(source.info, source.chunks())
        return
    pipeline = Pipeline(source.info)
    for samples in source.chunks():
        show(pipeline.push(samples))
    show(pipeline.flush())


def show(events: list) -> None:
    """Print the alerts among some events."""
    for event in events:
        if isinstance(event, Alert):
            print(event.sample, event.priority, event.state, event.text)


if __name__ == "__main__":
    main()
