"""Any text gives the right samples or one clear error; a text that is well said gives the samples.

For longer, with new examples:
``CSV_FUZZ_EXAMPLES=2000 pytest tests/sources/test_csv_fuzz.py --hypothesis-profile=explore``.
"""

import os

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.errors import MonitorError
from monitor.sources.calibration import Calibration
from monitor.sources.text.columns import TextOptions
from monitor.sources.text.source import CsvLines

EXAMPLES = int(os.environ.get("CSV_FUZZ_EXAMPLES", "30"))
RATE_HZ = 250
ROWS = 800

names = st.sampled_from(
    ["II", "ECG", "ecg", "EKG", "V5", "value", "signal", "MLII", "Lead I", "ch1", "aVR"]
)
units = st.sampled_from([("mV", 1.0), ("uV", 1e-3), ("µV", 1e-3), ("V", 1e3), ("millivolts", 1.0)])
forms = st.sampled_from(["{0} [{1}]", "{0} ({1})", "{0}_{1}", "{0} {1}", "{0}/{1}"])
times = st.sampled_from(
    [
        ("", None), ("time", 1.0), ("t", 1.0), ("Zeit [s]", 1.0), ("elapsed_ms", 1e3),
        ("timestamp (us)", 1e6), ("unix_ns", 1e9), ("millis", 1e3), ("Sample Index", RATE_HZ),
    ]
)  # fmt: skip
others = st.lists(
    st.sampled_from(["label", "HR", "x", "acc_y", "SpO2 [%]", "class", "battery [V]", "note"]),
    max_size=3,
    unique=True,
)
preambles = st.lists(
    st.sampled_from(
        [
            "# recorded by a device",
            "% 8 channels",
            "Device: bed 7",
            "Recording of a patient",
            "sep=",
        ]
    ),
    max_size=3,
)
odd_lines = st.lists(
    st.tuples(
        st.integers(300, ROWS - 50), st.sampled_from(["!", "noise here", "???", "a|b|c|d|e|f|g|h"])
    ),
    max_size=4,
    unique_by=lambda odd: odd[0],
)


def signal(rows):
    """Beats once a second over a slow wave."""
    t = np.arange(rows) / RATE_HZ
    return np.exp(-(((t % 1.0) - 0.5) ** 2) / 2e-4) + 0.1 * np.sin(2 * np.pi * t)


OTHER_VALUES = {
    "label": lambda i: str(i // 300), "HR": lambda i: str(70 + i // 250),
    "x": lambda i: f"{i % 7}.1", "acc_y": lambda i: f"{i % 11}.3", "SpO2 [%]": lambda i: "98",
    "class": lambda i: "N", "battery [V]": lambda i: "3.7", "note": lambda i: "",
}  # fmt: skip


@pytest.mark.slow
@settings(max_examples=EXAMPLES)
@given(
    names, units, forms, times, others, preambles, odd_lines,
    st.sampled_from([(",", "."), (";", "."), (";", ","), ("\t", "."), ("\t", ","), (" , ", ".")]),
    st.sampled_from(["utf-8", "utf-8-sig", "latin-1", "utf-16", "utf-16-le"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
)  # fmt: skip
@example("Lead I", ("mV", 1.0), "{0}_{1}", ("", None), [], [], [], (",", "."), "utf-8", "\n", False)
def test_a_text_that_says_its_units_gives_the_samples(
    tmp_path_factory, name, unit, form, time, more, before, odd, cut, encoding, end, quoted
):
    (sign, decimal), (unit, factor), (stamp, per_s) = cut, unit, time
    truth = signal(ROWS)
    header = [*([stamp] if stamp else []), *more[:1], form.format(name, unit), *more[1:]]
    lines = [*before, sign.join(f'"{h}"' if quoted else h for h in header)]
    for i in range(ROWS):
        row = [] if per_s is None else [f"{i / RATE_HZ * per_s:.6f}".replace(".", decimal)]
        row += [OTHER_VALUES[m](i).replace(".", decimal) for m in more[:1]]
        row += [f"{truth[i] / factor:.9f}".replace(".", decimal)]
        row += [OTHER_VALUES[m](i).replace(".", decimal) for m in more[1:]]
        lines.append(sign.join(row))
    first = len(before) + 1
    for at, text in odd:
        lines[first + at] = text
    path = tmp_path_factory.mktemp("fuzz") / "x.csv"
    path.write_bytes((end.join(lines) + end).encode(encoding))
    source = CsvLines(path, TextOptions(RATE_HZ))
    assert source.info.leads == (name,)
    values = np.full(ROWS, np.nan)
    for chunk in source.chunks():
        values[chunk.start_sample : chunk.start_sample + len(chunk.values_mv)] = chunk.values_mv[
            :, 0
        ]
    truth[[at for at, _ in odd]] = np.nan
    np.testing.assert_allclose(values, truth, atol=1e-5)


anything = st.one_of(
    st.sampled_from(
        [",", ";", "\t", " ", "\n", "\r", '"', "'", "#", "%", "[mV]", "time", "II", "ECG"]
    ),
    st.sampled_from(
        ["0.1", "-3", "1e400", "nan", "inf", "12:00:01", "2024-01-01T00:00:00", "!", "_"]
    ),
    st.sampled_from(["\n1,2", "\n3,4", "\n0.004;0,5", "9" * 400, "\ufeff", "9:99:99", "0:0", "١٢"]),
    st.text(max_size=4),
)
saids = st.builds(
    TextOptions,
    st.sampled_from([None, 250.0]),
    st.sampled_from([(), ("II",), ("time", "II"), ("i", "x")]),
    st.sampled_from([Calibration("mV"), Calibration(), Calibration(gain=200.0, baseline=512.0)]),
    st.sampled_from(["off", "auto", "II"]),
)


@pytest.mark.slow
@settings(max_examples=5 * EXAMPLES)
@given(st.lists(anything, max_size=40), st.integers(1, 60), saids, st.booleans())
def test_any_text_gives_samples_or_one_line(tmp_path_factory, parts, times_over, said, wide):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    text = "".join(parts) * times_over
    path.write_bytes(text.encode("utf-16" if wide else "utf-8", "surrogatepass"))
    notes = []
    try:
        for chunk in CsvLines(path, said, log=notes.append).chunks():
            assert chunk.values_mv.dtype == np.float32
    except MonitorError as error:
        notes.append(str(error))
    assert all("\n" not in note and "\r" not in note for note in notes)
