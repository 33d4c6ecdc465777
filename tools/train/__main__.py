"""Fit the networks that are shipped; each command is also ``python -m tools.train.NAME``.

The manifests of shipped bundles name the model alone, ``python -m tools.train kaggle5``: that is
understood too.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tools.commands import dispatch

COMMANDS = ("labels", "beats", "qrs", "deferred", "fibrillation", "runs", "weights")
MODELS = {
    "aami": ("labels",),
    **{name: ("beats", name) for name in ("kaggle5", "cnn", "lstm", "normal-abnormal", "ptb-mi")},
}


def main(argv: Sequence[str]) -> int:
    """Run the command that is named, or the one that trains the model that is named."""
    named = MODELS.get(argv[0], (argv[0],)) if argv else ()
    return dispatch("tools.train", COMMANDS, [*named, *argv[1:]])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
