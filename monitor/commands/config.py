"""``ecg-monitor config``: the settings in force, and whether a settings file is right."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from monitor.commands.options import add_analysis_options, settings_from

SUMMARY = "Print the settings in force with their meaning and origin, or check a settings file."
EXAMPLE = (
    "  ecg-monitor config > settings.toml            # all defaults, to begin with\n"
    "  ecg-monitor config --check settings.toml\n"
    "  ecg-monitor config --config settings.toml --json"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "--check",
        type=Path,
        metavar="FILE",
        help="only tell whether this file, its detector and its model are right; fails if not",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    add_analysis_options(parser)


def run(args: argparse.Namespace) -> int:
    """Print the settings, or what is wrong with them."""
    import json

    from monitor.config import load_settings
    from monitor.settings_text import as_toml, settings_in_force

    if args.check is not None:
        from monitor.messages import StreamInfo
        from monitor.pipeline import Pipeline

        checked = load_settings(args.check)
        Pipeline(StreamInfo("check", 360.0, ("II",)), checked)  # its detector and its model
        changed = [s for s in settings_in_force(checked, {}) if s.value != s.default]
        sys.stdout.write(f"{args.check} is right; {len(changed)} setting(s) are not the default\n")
        return 0
    settings, origins = settings_from(args), _origins(args)
    if not args.json:
        sys.stdout.write(as_toml(settings, origins))
        return 0
    sections: dict[str, dict[str, object]] = {}
    for setting in settings_in_force(settings, origins):
        sections.setdefault(setting.section, {})[setting.name] = {
            "value": setting.value,
            "default": setting.default,
            "origin": setting.origin,
            "meaning": setting.meaning,
        }
    sys.stdout.write(json.dumps(sections, indent=2, allow_nan=False) + "\n")
    return 0


def _origins(args: argparse.Namespace) -> dict[str, str]:
    """Give who set what: the file, then the options."""
    import tomllib

    origins: dict[str, str] = {}
    if args.config is not None:  # it has been read and checked before
        with args.config.open("rb") as file:
            for section, keys in tomllib.load(file).items():
                origins |= {f"{section}.{name}": str(args.config) for name in keys}
    if args.model is not None:
        origins["classify.model"] = "--model"
    if args.detector is not None:
        origins["detect.detector"] = "--detector"
    return origins
