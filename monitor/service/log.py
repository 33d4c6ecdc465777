"""The log of a long-running command: lines for people, or JSON objects, on stderr."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from monitor.errors import MonitorError
from monitor.log_lines import Level, LogLine


class Log:
    """Writes lines; those below the level are left out.

    If the reader has gone or the disk is full, the line is lost and the program goes on.

    Parameters
    ----------
    name
        Of the command.
    form
        ``text`` or ``json``.
    level
        Name of a level, in lower case.
    """

    def __init__(self, name: str, form: str = "text", level: str = "info") -> None:
        logging.raiseExceptions = False
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(_JsonLines() if form == "json" else _TextLines())
        if form == "json":  # warnings of Python go to the same reader
            logging.captureWarnings(True)
            logging.getLogger("py.warnings").addHandler(handler)
        self._logger = logging.Logger(name, Level[level.upper()])
        self._logger.addHandler(handler)

    def __call__(self, text: str) -> None:
        """Write one line."""
        line = text if isinstance(text, LogLine) else LogLine(text)
        self._logger.log(line.level, "%s", str(line), extra={"stream": line.stream})

    def failed(self, error: BaseException) -> None:
        """Write the error that ends the program; a defect with its traceback."""
        defect = None if isinstance(error, MonitorError) else error
        self._logger.error("%s", error or type(error).__name__, exc_info=defect)


class _TextLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return f"{record.name}: {' '.join(record.getMessage().splitlines())}"


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": f"ecg-monitor.{record.name}",
            "message": record.getMessage(),
        }
        if getattr(record, "stream", None):
            line["stream"] = record.stream  # type: ignore[attr-defined]
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)
