"""The card of the beat-window models: their part is replaced, other parts stay."""

import dataclasses

import numpy as np

from monitor.models.manifest import Manifest
from tools.confusion import Confusion
from tools.evaluate.beat_card import TITLE, BeatFigures, part_of, replace_part, zoo_card

MANIFEST = Manifest(
    name="made",
    before_s=0.0,
    classes=("N", "V"),
    metrics={"rounds": 3, "parameters": 1234},
    data_sha256="ab" * 32,
    command="python -m tools.train.beats made",
    licence="MIT",
)
COUNTS = Confusion(np.array([[90, 1], [2, 7]]), ("N", "V"))
FIGURES = BeatFigures(
    MANIFEST, "rows", "at random by beat", 400, COUNTS, None, 0.0123, 1000.4, 9000.6, 2048
)


def test_the_split_comes_first_and_the_figures_are_those_of_the_matrix():
    lines = zoo_card([FIGURES]).splitlines()
    assert lines[0] == TITLE.strip()
    assert "## Limits" in lines
    assert "python -m tools.train.beats ptb-mi --download" in " ".join(lines)
    shipped = dataclasses.replace(FIGURES, manifest=dataclasses.replace(MANIFEST, name="ptb-mi"))
    assert "`ptb-mi` (PTB" not in zoo_card([shipped])
    assert "not by patient" in lines[2]
    row = next(line for line in lines if line.startswith("| `made`"))
    assert row.split(" | ")[1:5] == ["3", "0.9700", "0.904", "0.9692"]
    assert "1,234 | 2 KiB | 1,000 / 9,001 |" in row
    assert "| V | 2 | 7 | 0.875 | 0.778 | 0.824 |" in lines


def test_a_split_by_patient_is_not_called_random():
    by_patient = dataclasses.replace(FIGURES, split="by patient")
    assert "not by patient" not in zoo_card([by_patient])


def test_streamed_figures_have_a_table_of_their_own():
    both = dataclasses.replace(FIGURES, streamed=Confusion(COUNTS.counts.T, ("N", "V")))
    assert zoo_card([both]).count("| reference") == 2
    assert zoo_card([FIGURES]).count("| reference") == 1


def test_parts_are_replaced_alone():
    text = zoo_card([FIGURES])
    first = replace_part("# Model `aami`\n\nwords\n", text)
    assert first.startswith("# Model `aami`\n\nwords\n\n# Models of one beat window")
    assert replace_part(first, text) == first
    assert part_of(first) == part_of(text)
    assert part_of("# Model `aami`\n") == ""
    # what the other card does when it is written anew
    assert replace_part("# Model `aami`\n\nnew\n", part_of(first)).count(TITLE) == 1
    assert replace_part("# Model `aami`\n", "") == "# Model `aami`\n"
