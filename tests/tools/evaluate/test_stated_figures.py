"""The shipped weights do what the card states, on a sample of its records."""

import re

import pytest

from monitor.models.bundle import load_bundle
from tools.confusion import CARDS
from tools.evaluate.label_table import pair
from tools.evaluate.labels import measure, variants


@pytest.mark.slow
@pytest.mark.parametrize("record", ["123", "233"])
def test_shipped_weights_reach_the_stated_figures_of_a_record(record, data_dir):
    card = (CARDS / "README.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| {record} \| (\S+) \| (\S+) \|", card, re.MULTILINE)
    assert row is not None
    bundle = load_bundle("aami")
    table = measure(bundle, data_dir, [record], variants(data_dir)[0])
    found = table.ml[0].figures
    assert pair(found.v_se, found.v_pp) == row[1]
    assert pair(found.s_se, found.s_pp) == row[2]
