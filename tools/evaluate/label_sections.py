"""Sections of the card of ``aami`` that are measured apart, and outlive a new card."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from monitor.models.manifest import Manifest
from monitor.score import summarise
from tools.evaluate.label_table import Table

TRIED = """## What was tried

DS2 is not blind: it was measured for each candidate. Which there were, and what was learnt from
them, is told in [what was tried](../docs/explanation/what-was-tried.md).
"""


SEED_COLUMNS = ("V Se", "V +P", "S Se", "S +P", "F Se", "F +P", "macro F1")


def _seed_figures(table: Table) -> list[float]:
    s = summarise(table.ml)
    found = [s.v_se, s.v_pp, s.s_se, s.s_pp, s.f_se, s.f_pp]
    return [*(x or 0.0 for x in found), table.macro_f1]


def _cells(values: Sequence[float]) -> str:
    return " | ".join([*(f"{v:.1f}" for v in values[:-1]), f"{values[-1]:.3f}"])


def seeds_part(manifest: Manifest, seeds: Sequence[tuple[int, Table]]) -> str:
    """Write the section on seeds; empty if there is but one."""
    if len(seeds) < 2:
        return ""
    rows = [f"| seed | {' | '.join(SEED_COLUMNS)} |", "|---|" + "---|" * len(SEED_COLUMNS)]
    figures = {seed: _seed_figures(table) for seed, table in seeds}
    for seed, values in figures.items():
        name = f"{seed} (shipped)" if seed == manifest.seed else str(seed)
        rows.append(f"| {name} | {_cells(values)} |")
    columns = list(zip(*figures.values(), strict=True))
    for name, pick in (("median", median), ("lowest", min), ("highest", max)):
        rows.append(f"| {name} | {_cells([float(pick(c)) for c in columns])} |")
    table = "\n".join(rows)
    return f"""{SEEDS}
The same training with other seeds (`python -m tools.train.labels --seed 2 --keep` and so
on), measured by `python -m tools.evaluate.labels --write --seeds build/beats/*.pt`:
reference R peaks, ML class map. The shipped seed was not chosen by these figures: it is the first.

{table}

"""


SEEDS = "## Other seeds\n"


STRANGERS = "## Patients not trained on\n"
DEVELOPMENT = "## DS2 of MIT-BIH\n"


def kept(text: str, title: str) -> str:
    """Give a section of a card that was written before; empty if there is none."""
    _, title, rest = text.partition(title)
    return title + rest.partition("\n## ")[0].rstrip() + "\n\n" if title else ""


def kept_seeds(text: str) -> str:
    """Give the section on seeds of a card that was written before; empty if there is none."""
    return kept(text, SEEDS)


def strangers_part(table: str, command: str) -> str:
    """Write the section on patients not trained on, from the table of ``strangers``."""
    return f"""{STRANGERS}
These figures come first: they are what a patient nobody has seen may expect. Each patient is
measured with a network trained by the same command without that patient, or without its whole
database. V and S Se/+P in percent by EC57 (150 ms, from 5:00, gross, e and j are S); in brackets
the 95 % interval over patients. Command: `{command}`.

{table}

"""


def replace_strangers(text: str, part: str) -> str:
    """Put a section on patients not trained on into a card, in its place."""
    old = kept(text, STRANGERS)
    return text.replace(old, part) if old else text.replace(DEVELOPMENT, part + DEVELOPMENT, 1)


def replace_seeds(text: str, part: str) -> str:
    """Put a section on seeds into a card: in the place of the old one, or at the end."""
    old = kept_seeds(text)
    return text.replace(old, part) if old else text.replace(TRIED, part + TRIED, 1)
