"""Measure on patients that nothing was learned from: cross-validation, one database left out.

    python -m tools.evaluate strangers                     all sections
    python -m tools.evaluate strangers labels              one of them
    python -m tools.evaluate strangers labels --seed 2
    python -m tools.evaluate strangers labels --write      into the card, models/README.md

Every section trains what it measures again, without the patients (or the database) that it then
measures on, by the settings of the shipped training. A figure here says what a patient nobody
has seen may expect. In brackets is the 95 % interval from drawing the patients anew (bootstrap).
Seeds are fixed. Built inputs and trained networks are kept under ``--work``.

A section is a module ``tools.evaluate.stranger_NAME`` with ``section(study) -> str``, which gives
its part in Markdown; ``study`` is a :class:`tools.evaluate.study.Study`.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from tools.commands import parser_of, run
from tools.data.beats import data_folder
from tools.evaluate.study import FOLDS, Study
from tools.train.ship import at_least

SECTIONS: tuple[str, ...] = ("labels", "vt", "vf", "asystole", "brady", "tachy", "af")
"""What is measured, in order."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = parser_of("evaluate.strangers", __doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--data", type=Path, help="folder with mitdb/, svdb/, nstdb/ ...")
    parser.add_argument("--work", type=Path, default=Path("build/strangers"), help="cache folder")
    parser.add_argument("--seed", type=at_least(0), default=1, help="of training")
    parser.add_argument("--folds", type=at_least(2), default=FOLDS, help="of cross-validation")
    parser.add_argument("--quick", action="store_true", help="leave out the whole monitor")
    parser.add_argument("--write", action="store_true", help="labels: into models/README.md")
    args = parser.parse_args(argv)
    if args.write and args.sections != ["labels"]:
        parser.error("--write is for the section labels alone")
    for name in args.sections:
        if name not in SECTIONS:
            parser.error(f"no section {name!r}: there are {', '.join(SECTIONS)}")
    warnings.filterwarnings("ignore", message=".*torch.jit.*")
    study = Study(data_folder(args.data), args.work, args.seed, args.folds, args.quick)
    for name in args.sections or SECTIONS:
        module = importlib.import_module(f"tools.evaluate.stranger_{name}")
        text = module.section(study)
        print(text, flush=True)
        if args.write:
            module.write(study, text)
    return 0


if __name__ == "__main__":
    sys.exit(run(main, "strangers"))
