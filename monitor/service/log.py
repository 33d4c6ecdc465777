"""The log of a long-running command: lines for people, or JSON objects, on stderr."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from monitor.errors import MonitorError
from monitor.remarks import Level, Remark


class Log:
    """Takes remarks; what is below the level is left out.

    A reader that has gone, or a disk that is full, never stops the program: the line is lost.

    Parameters
    ----------
    name
        Of the command.
    form
        ``text`` or ``json``.
    level
        Name of a level, in small letters.
    """

    def __init__(self, name: str, form: str = "text", level: str = "info") -> None:
        logging.raiseExceptions = False
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(_JsonLines() if form == "json" else _TextLines())
        if form == "json":  # what Python itself has to say is for the same reader
            logging.captureWarnings(True)
            logging.getLogger("py.warnings").addHandler(handler)
        self._logger = logging.Logger(name, Level[level.upper()])
        self._logger.addHandler(handler)

    def __call__(self, text: str) -> None:
        """Take one line."""
        remark = text if isinstance(text, Remark) else Remark(text)
        self._logger.log(remark.level, "%s", str(remark), extra={"stream": remark.stream})

    def failed(self, error: BaseException) -> None:
        """Take what ends the program; with the place in the code if that is a defect."""
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
