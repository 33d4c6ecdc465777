"""The command line: ``ecg-monitor COMMAND``. ``main(argv)`` returns the exit code."""

from __future__ import annotations

import argparse
import errno
import importlib
import io
import os
import sys
from collections.abc import Sequence

from monitor import __version__, stopping
from monitor.errors import FAILED, INTERRUPTED, MonitorError

COMMANDS = (
    *(
        "demo",
        "replay",
        "serve",
        "watch",
        "web",
        "alerts",
        "history",
        "snippet",
        "limits",
        "discharge",
        "keys",
    ),
    *("annotate", "report", "score", "models", "config", "doctor"),
)

_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

NOTICE = "Not a medical device: for research, teaching and development only."


def build_parser() -> argparse.ArgumentParser:
    """Give the parser of the whole command line, with a subparser for each command."""
    parser = argparse.ArgumentParser(
        prog="ecg-monitor",
        description=f"Real-time ECG monitor: beats, AAMI labels, rhythm alarms.\n{NOTICE}",
        epilog="example:\n  ecg-monitor demo",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"ecg-monitor {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = importlib.import_module(f"monitor.commands.{name}")
        command = commands.add_parser(
            name,
            help=module.SUMMARY,
            description=f"{module.SUMMARY}\n{NOTICE}",
            epilog=f"example:\n{module.EXAMPLE}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; errors become one line on stderr and an exit code."""
    args = build_parser().parse_args(argv)
    try:
        code: int = args.run(args)
        sys.stdout.flush()
    except MonitorError as error:
        print(f"ecg-monitor: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of the output has gone, which is no error
        _drop_output()
        return 0
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        _drop_output()
        print(f"ecg-monitor: cannot write the output: {error.strerror}", file=sys.stderr)  # noqa: T201
        return FAILED
    return code


def _drop_output() -> None:
    """Discard buffered output, which cannot be written, not even at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fill_closed() -> None:
    """Open the null device for a standard stream that is closed.

    Otherwise the next opened file, such as a journal, takes the stream's number, and a library
    that writes to the stream writes into that file.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            null = open(os.devnull, mode, encoding="utf-8")  # noqa: SIM115
            setattr(sys, name, null)


def entry() -> None:
    """Run as a console script. A termination signal raises, so that all files are closed.

    Characters that the encoding of the output lacks are written as escapes.
    """
    _fill_closed()
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")
    stopping.install()
    try:
        code: int | str | None = main()
    except SystemExit as error:
        code = error.code
    except KeyboardInterrupt:  # while the commands are being read
        code = INTERRUPTED
    if isinstance(code, str):
        print(code, file=sys.stderr)  # noqa: T201
        code = FAILED
    stopping.leave(code)
