"""Fuzz the decoders with atheris (coverage-guided libFuzzer) for a bounded time.

``python -m tools.fuzz --target wire --seconds 120``; ``--target all`` takes them one after the
other. Every target reads bytes as they could come from outside: they are accepted or refused with
the one error type, and nothing else may happen. What breaks that is printed, written to a file,
and ends the run with an error. Needs ``pip install -e .[fuzz]``.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
from pathlib import Path

NAMES = ("wire", "control", "lines", "journal", "signal", "allow-list", "settings", "recording")


def main(argv: list[str] | None = None) -> int:
    """Fuzz one target, or all of them in processes of their own; 1 if one broke."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--target", choices=[*NAMES, "all"], default="all")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    parser.add_argument("--crashes", default=".", metavar="DIR", help="write what broke it here")
    args = parser.parse_args(argv)
    if args.target == "all":
        worst = 0
        for name in NAMES:
            options = ["--target", name, "--seconds", str(args.seconds), "--crashes", args.crashes]
            done = subprocess.run([sys.executable, "-m", "tools.fuzz", *options], check=False)
            print(f"{name}: {'held' if done.returncode == 0 else 'BROKE'}", flush=True)
            worst = max(worst, done.returncode)
        return min(worst, 1)
    _fuzz(args.target, args.seconds, args.crashes)
    return 0


def _fuzz(name: str, seconds: int, crashes: str) -> None:
    import atheris

    # only what is imported here is watched for coverage
    with atheris.instrument_imports(include=["monitor", "tools", "json", "tomllib"]):
        from tools.fuzz.mutations import mutated
        from tools.fuzz.targets import TARGETS

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        draw = random.Random(seed)
        changed: bytes = mutated(data, draw) if draw.random() < 0.7 else atheris.Mutate(data, most)
        return changed[:most]

    target = TARGETS[name]
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(target.seeds):
            (Path(corpus) / str(number)).write_bytes(seed)
        options = [
            f"-max_total_time={seconds}",
            f"-artifact_prefix={Path(crashes).resolve()}/{name}-",
            "-max_len=16384",
            "-timeout=20",
            "-print_final_stats=1",
            corpus,
        ]
        atheris.Setup([sys.argv[0], *options], target.take, custom_mutator=mutate)
        atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
