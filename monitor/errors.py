"""The error type for messages to the user.

Rules:

1. Bad input, bad settings and a bad environment raise :class:`MonitorError`. Its one line says
   what is wrong and what to do.
2. The command line prints that line to stderr and exits with ``exit_code``. A traceback is
   therefore always a defect of this program.
3. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted, 143 terminated.
"""

FAILED = 1
USAGE = 2
INTERRUPTED = 130
TERMINATED = 143


class MonitorError(Exception):
    """An error that the user can fix. Its text is one line, ready to show."""

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code
