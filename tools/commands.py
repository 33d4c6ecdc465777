"""Run a command of a package by its name, and tell which there are.

A command is a module with ``main(argv) -> int`` and a docstring whose first line says what it does.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.util
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from monitor.errors import MonitorError

Main = Callable[[Sequence[str] | None], int]


def dispatch(package: str, commands: Sequence[str], argv: Sequence[str]) -> int:
    """Run the command that the first argument names; ``--help`` lists all of them.

    Parameters
    ----------
    package
        Where the commands are, e.g. ``tools.evaluate``.
    commands
        Their modules.
    argv
        Name of the command and its arguments.

    Returns
    -------
    int
        Exit status: that of the command, 0 after ``--help``, 2 for a name that is none of them.
    """
    if argv and argv[0] in commands:
        module = importlib.import_module(f"{package}.{argv[0]}")
        return run(module.main, argv[0], argv[1:])
    known = bool(argv) and argv[0] in ("-h", "--help")
    out = sys.stdout if known else sys.stderr
    if argv and not known:
        print(f"{package}: there is no command {argv[0]!r}", file=out)
    print(f"usage: python -m {package} COMMAND [--help] ...", file=out)
    for name in commands:
        print(f"  {name:14} {_first_line(f'{package}.{name}')}", file=out)
    return 0 if known else 2


def parser_of(name: str, about: str | None) -> argparse.ArgumentParser:
    """Make the parser of the command ``python -m tools.NAME``; ``about`` is its docstring."""
    return argparse.ArgumentParser(
        prog=f"python -m tools.{name}",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def run(main: Main, name: str, argv: Sequence[str] | None = None) -> int:
    """Run a command; an error that says what to do is one line on standard error.

    Parameters
    ----------
    main
        The command.
    name
        Of it, to begin the line with.
    argv
        Arguments; None: those of the process.

    Returns
    -------
    int
        Exit status.
    """
    try:
        return main(argv)
    except MonitorError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return error.exit_code


def _first_line(module: str) -> str:
    """First line of a module's docstring, without importing the module."""
    found = importlib.util.find_spec(module)
    text = Path(str(found.origin)).read_text(encoding="utf-8") if found else ""
    return (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]
