"""Bytes to lines: every encoding and line end, however the bytes are cut into pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sources.text_lines import MAX_LINE_BYTES, TextLines

TEXT = "Zeit;ECG [µV]\n0;-1\n\n1;2"
LINES = [(1, "Zeit;ECG [µV]"), (2, "0;-1"), (4, "1;2")]


def lines_of(data, step):
    lines = TextLines()
    found = [line for at in range(0, len(data), step) for line in lines.push(data[at : at + step])]
    return found + lines.flush()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "latin-1", "utf-16", "utf-16-le", "utf-16-be", "utf-32"],
)
@pytest.mark.parametrize("step", [1, 2, 3, 1000])
def test_encodings_and_line_ends(encoding, end, step):
    assert lines_of(TEXT.replace("\n", end).encode(encoding), step) == LINES


@given(st.binary(max_size=200), st.integers(1, 20))
def test_any_bytes_give_the_same_lines_in_any_pieces(data, step):
    assert lines_of(data, step) == lines_of(data, 1000)


@pytest.mark.parametrize("step", [1000, 70_000, 10**6])
def test_a_line_without_end_is_cut_off_and_what_follows_is_read(step):
    data = b"1\n" + b"9" * (3 * MAX_LINE_BYTES) + b"\n2\n"
    assert lines_of(data, step) == [(1, "1"), (2, "9" * 80 + "..."), (3, "2")]


def test_a_line_is_given_as_soon_as_it_ends():
    lines = TextLines()
    assert lines.push(b"first\n1\n") == [(1, "first"), (2, "1")]
    assert lines.push(b"2\r") == [(3, "2")]
    assert lines.push(b"\n3") == []
    assert lines.flush() == [(4, "3")]
