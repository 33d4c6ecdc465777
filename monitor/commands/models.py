"""``ecg-monitor models``: the models that come with the program, or what is in a file."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.models.model_file import ModelFile

SUMMARY = "List the models that come with the program, or say what is in a model file."
EXAMPLE = (
    "  ecg-monitor models\n"
    "  ecg-monitor models aami\n"
    "  ecg-monitor models mine.pt --json   # its manifest is inside, or in mine.toml\n"
    "  ecg-monitor models mine.pt --try    # whether file and manifest fit each other\n"
    "  ecg-monitor models aami --export mine.safetensors   # without code: for exchange"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "models", nargs="*", metavar="MODEL", help="shipped name or file; default: all shipped"
    )
    parser.add_argument("--json", action="store_true", help="whole manifests, one a line")
    parser.add_argument(
        "--try",
        dest="try_out",
        action="store_true",
        help="run each network on made beats too: only for files you trust",
    )
    parser.add_argument(
        "--export", metavar="FILE", help="write the one model named as safetensors, without code"
    )


def run(args: argparse.Namespace) -> int:
    """Describe every model without running it, unless that is asked for."""
    import dataclasses
    import json
    import sys
    from pathlib import Path

    from rich.console import Console

    from monitor.config import Settings
    from monitor.errors import MonitorError
    from monitor.models.model_file import export, read_model
    from monitor.models.shipped import SHIPPED

    default = Settings().classify.model
    out = Console(highlight=False)
    if args.export and len(args.models) != 1:
        raise MonitorError("--export writes one model: name it")
    for name in args.models or sorted(SHIPPED, key=lambda n: (n != default, n)):
        model = read_model(name)
        if args.try_out:
            from monitor.models.bundle import load_bundle

            load_bundle(name)
        if args.export:
            export(model, Path(args.export).expanduser())
            continue
        if args.json:
            line = {**dataclasses.asdict(model.manifest), "sha256": model.sha256}
            sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
            continue
        out.print(f"{name}{' (default)' if name == default else ''}", style="bold", markup=False)
        for key, text in describe(model):
            out.print(f"  {key:<9}{text}", markup=False, soft_wrap=True)
    return 0


def describe(model: ModelFile) -> list[tuple[str, str]]:
    """Give what a person wants to know of a model: (key, text) in order."""
    m = model.manifest
    use = "labels streams" if m.label_set == "aami" else "for beats only, not for streams"
    end = "to the next R peak" if m.window == "to_next" else f"to {m.after_s:.2f} s after it"
    window = f"{m.length} samples at {m.rate_hz:g} Hz, {m.before_s:.2f} s before the R peak {end}"
    rows = [
        ("classes", f"{', '.join(m.classes)} ({use})"),
        ("window", f"{window}; {m.scaling}, {', '.join(m.channels)}"),
        ("features", f"{len(m.features)}" if m.features else "none"),
        ("data", m.data or "not said"),
        ("figures", ", ".join(f"{k} {v}" for k, v in m.metrics.items()) or "not said"),
        ("command", m.command or "not said"),
        ("licence", m.licence or "not said"),
        ("holds", model.holds),
        ("sha256", model.sha256),
    ]
    return [(key, text) for key, text in rows if text]
