"""One file a command.

Each module offers ``SUMMARY`` (one line), ``EXAMPLE`` (shown at the end of its help),
``add_arguments(parser)`` and ``run(args) -> int``. Nothing heavy is imported before
``run``: help must come at once.
"""
