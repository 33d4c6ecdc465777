"""The one error type that a user is meant to read.

Rules:

1. Whatever is wrong with input, settings or surroundings is raised as
   :class:`MonitorError` with one line that says what was wrong and what to do.
2. The command line prints that line to stderr and exits with ``exit_code``;
   a traceback therefore always means a defect of this program.
3. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted, 143 terminated.
"""

FAILED = 1
USAGE = 2
INTERRUPTED = 130
TERMINATED = 143


class MonitorError(Exception):
    """Something the user can put right; the text is one line, ready to be shown."""

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code
