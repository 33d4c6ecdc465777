"""What a frame says, at any size."""

import io
import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from monitor.dashboard.canvas import Canvas, Frame, printable
from monitor.dashboard.digits import big_text
from monitor.dashboard.panels import flash_on
from monitor.dashboard.state import DashboardState
from monitor.dashboard.view import Display, draw
from monitor.feeds.feed import Status
from monitor.messages import (
    AamiClass,
    Alert,
    AlertKind,
    AlertState,
    Beat,
    End,
    Gap,
    GapKind,
    LeadState,
    Priority,
    Quality,
    Rhythm,
    Samples,
    StreamInfo,
    Vitals,
)

RATE_HZ = 250.0
SIZES = [(80, 24), (100, 30), (120, 40), (200, 50)]


def text_of(canvas: Canvas) -> list[str]:
    return ["".join(segment.text for segment in row) for row in canvas.rows()]


def screen(state: DashboardState, size=(120, 36), display=Display(), now_s=0.0) -> str:  # noqa: B008
    return "\n".join(text_of(draw(state.snapshot("", now_s), display, *size, now_s)))


def patient(seconds: float = 10.0, lead_states=(LeadState.OK, LeadState.OK)) -> DashboardState:
    """75 beats a minute of spikes; every fourth labelled V."""
    state = DashboardState()
    count = round(seconds * RATE_HZ)
    values = np.zeros((count, 2), dtype=np.float32)
    peaks = range(100, count - 200, 200)
    for peak in peaks:
        values[peak] = (1.2, -0.6)
    state.fold(StreamInfo("bed1", RATE_HZ, ("II", "V1"), 0, "simulator: test"), 0.0)
    state.fold(Samples("bed1", 0, values), 0.0)
    for number, peak in enumerate(peaks):
        label = AamiClass.V if number % 4 == 3 else AamiClass.N
        state.fold(Beat("bed1", peak, peak + 160, label, (1, 0, 0, 0, 0), 0.8, 0, "m"), 0.0)
    counts = {"N": 9, "S": 0, "V": 3, "F": 0, "Q": 0}
    state.fold(Vitals("bed1", count - 10, 75.2, 0.8, True, counts, 18), 0.0)
    state.fold(Quality("bed1", 0, count, lead_states, True), 0.0)
    state.fold(Rhythm("bed1", 0, 500, "AFIB"), 0.0)
    return state


def raise_alert(
    state: DashboardState,
    number: int,
    priority: Priority,
    text: str,
    alert_state: AlertState = AlertState.RAISED,
) -> None:
    state.fold(
        Alert("bed1", number, number, AlertKind.VT, priority, alert_state, 1250, 1500, text), 0.0
    )


@pytest.mark.parametrize("size", SIZES)
def test_a_monitored_patient(size):
    state = patient()
    state.fold(Status("bed1", "replaying", 10.0, 0.25), 0.0)
    raise_alert(state, 1, Priority.HIGH, "VT 180 > 100")
    shown = screen(state, size)
    for words in (
        "bed1",
        "II",
        "mV/div",
        "800 ms",
        "atrial fibrillation",
        "good",
        "*** VT 180 > 100",
        "NEW",
        "5 s",
        "10x",
        "label 0.64 s",
        "lag 0.25 s",
        "lost 0",
        "time 0:10",
        "quit",
        "LIVE",
    ):
        assert words in shown, words
    assert re.search(r"PVC/min +18", shown)
    assert re.search(r"V +3\b", shown)


def test_heart_rate_is_drawn_large():
    shown = text_of(draw(patient().snapshot("", 0.0), Display(), 120, 36, 0.0))
    digits = big_text("75", 5)
    for row, codes in enumerate(digits):
        assert "".join(map(chr, codes)) in shown[2 + row]


def test_beat_labels_stand_over_their_peaks():
    canvas = draw(patient().snapshot("", 0.0), Display(), 120, 36, 0.0)
    lines = text_of(canvas)
    label_row = lines[2]
    columns = [c for c in range(6, 88) if label_row[c] in "NV"]
    assert {label_row[c] for c in columns} == {"N", "V"}
    assert len(columns) >= 5
    top = next(r for r in range(3, 30) if any("⠀" < c <= "⣿" for c in lines[r][6:88]))
    peaks = [c for c in range(6, 88) if "⠀" < lines[top][c] <= "⣿"]
    assert set(columns) <= set(peaks)


def test_unknown_heart_rate_is_dashes_never_zero():
    state = DashboardState()
    state.fold(StreamInfo("bed1", RATE_HZ, ("II",)), 0.0)
    state.fold(Samples("bed1", 0, np.zeros((500, 1), dtype=np.float32)), 0.0)
    state.fold(Vitals("bed1", 490, None, None, True, {}, 0), 0.0)
    lines = text_of(draw(state.snapshot("", 0.0), Display(), 120, 36, 0.0))
    expected = ["".join(map(chr, row)).strip() for row in big_text("--", 5)]
    assert [line[89:].strip() for line in lines[2:7]] == expected
    assert "-- ms" in "\n".join(lines)


def test_stale_is_said_and_numbers_go():
    state = patient()
    shown = screen(state, now_s=7.0)
    assert "STALE 7 s" in shown
    assert "800 ms" not in shown
    assert "good" not in shown
    assert "LIVE" not in shown
    assert "PAUSED, STALE 7 s" in screen(state, display=Display(paused=True), now_s=7.0)


def test_lead_off_is_prominent():
    shown = screen(patient(lead_states=(LeadState.LEAD_OFF, LeadState.NOISY)))
    assert shown.count("LEAD OFF") >= 3
    assert "NOISY" in shown


def test_suspended_analysis_is_said():
    state = patient()
    state.fold(Vitals("bed1", 2495, 75.0, 0.8, False, {"N": 1}, 0), 0.0)
    shown = screen(state)
    assert "SUSPENDED" in shown
    assert "analysis is suspended" in shown
    assert "800 ms" not in shown


def test_gap_is_hatched_and_lost_samples_are_counted():
    state = patient()
    state.fold(Gap("bed1", 2500, 500, GapKind.HOLE), 0.0)
    state.fold(Samples("bed1", 3000, np.zeros((200, 2), dtype=np.float32)), 0.0)
    shown = screen(state)
    assert "╱" in shown
    assert "lost 500" in shown
    assert "╱" not in screen(patient())


def test_no_promise_before_analysis_has_begun():
    state = DashboardState()
    state.fold(Status("", "loading the beat classifier"), 0.0)
    first = screen(state)
    assert "loading the beat classifier" in first
    assert "no active alarm" not in first
    state.fold(StreamInfo("bed1", RATE_HZ, ("II",)), 0.0)
    state.fold(Samples("bed1", 0, np.zeros((500, 1), dtype=np.float32)), 0.0)
    shown = screen(state)
    assert "loading the beat classifier" in shown
    assert "NO ANALYSIS YET" in shown
    assert "no active alarm" not in shown


def test_finished_and_paused_are_said():
    state = patient()
    state.fold(End("bed1", 2500), 0.0)
    assert "FINISHED" in screen(state, now_s=100.0)
    assert "PAUSED" in screen(state, display=Display(paused=True))


def test_every_priority_reads_without_colour():
    state = patient()
    raise_alert(state, 1, Priority.LOW, "low one")
    raise_alert(state, 2, Priority.TECHNICAL, "technical one")
    raise_alert(state, 3, Priority.HIGH, "high one", AlertState.ACKNOWLEDGED)
    raise_alert(state, 4, Priority.MEDIUM, "medium one")
    lines = [line.split() for line in screen(state).splitlines()]
    marked = [
        line[:2] for line in lines if (len(line) > 2 and line[2] == "one") or "one" in line[:3]
    ]
    assert marked == [["***", "high"], ["**", "medium"], ["*", "low"], ["tec", "technical"]]
    assert "acknowledged" in screen(state)


def test_an_alarm_whose_condition_has_ended_is_called_latched():
    state = patient()
    raise_alert(state, 1, Priority.HIGH, "VT 180 > 100 (ended)", AlertState.UPDATED)
    raise_alert(state, 2, Priority.HIGH, "ASYSTOLE", AlertState.UPDATED)
    rows = {line.split()[1]: line.split() for line in screen(state).splitlines() if "***" in line}
    assert "latched" in rows["VT"]
    assert "active" in rows["ASYSTOLE"]


def test_more_alerts_than_rows_are_counted():
    state = patient()
    for number in range(1, 12):
        raise_alert(state, number, Priority.LOW, f"alert {number}")
    assert "8 more" in screen(state, (80, 24))


@pytest.mark.parametrize(
    ("priority", "low_hz", "high_hz"), [(Priority.HIGH, 1.4, 2.8), (Priority.MEDIUM, 0.4, 0.8)]
)
def test_flashing_follows_iec_60601_1_8(priority, low_hz, high_hz):
    seconds, frames_per_s = 60, 10
    on = [flash_on(priority, n / frames_per_s) for n in range(seconds * frames_per_s)]
    starts = sum(b and not a for a, b in pairwise(on))
    assert low_hz <= starts / seconds <= high_hz
    assert 0.2 <= sum(on) / len(on) <= 0.6


def test_low_priority_is_steady():
    assert all(flash_on(Priority.LOW, n / 10) for n in range(100))


def test_an_alert_of_another_stream_is_seen():
    state = patient()
    state.fold(StreamInfo("bed0", 360.0, ("II",)), 0.0)
    raise_alert(state, 1, Priority.HIGH, "VT 180 > 100")
    header = screen(state).splitlines()[0]  # shows bed0
    assert "bed0 (1/2)" in header
    assert "bed1 ***" in header


@pytest.mark.parametrize("width", [80, 120, 200])
def test_of_many_streams_in_alarm_the_most_urgent_are_named_and_the_rest_counted(width):
    state = patient()
    for bed in range(2, 22):
        state.fold(StreamInfo(f"bed{bed}", 360.0, ("II",)), 0.0)
        priority = Priority.HIGH if bed == 20 else Priority.LOW
        alarm = Alert(f"bed{bed}", 0, 0, AlertKind.VT, priority, AlertState.RAISED, 9, 9, "VT")
        state.fold(alarm, 0.0)
    header = screen(state, (width, 36)).splitlines()[0]
    assert "bed1 (1/21)" in header
    assert "bed20 ***" in header
    named = header.count(" * ") + header.count("***")
    assert 1 < named < 20
    assert f" {20 - named} more " in header


def test_too_small_says_so_and_still_shows_alarms():
    state = patient()
    raise_alert(state, 1, Priority.HIGH, "VT 180 > 100")
    shown = screen(state, (60, 20))
    assert "terminal too small" in shown
    assert "60x20, needs 80x24" in shown
    assert "*** VT 180 > 100" in shown


def test_text_from_outside_cannot_reach_the_terminal():
    state = patient()
    raise_alert(state, 1, Priority.HIGH, "\x1b[2J\x07evil\n心")
    shown = screen(state)
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "?[2J?evil??" in shown


def test_help_lists_the_keys():
    shown = screen(patient(), (80, 24), Display(help=True))
    assert "acknowledge the alarms" in shown
    assert "sweep or scroll" in shown


def test_scrolling_puts_the_newest_at_the_right():
    display = Display(sweep=False, dots_per_s=25)
    lines = text_of(draw(patient().snapshot("", 0.0), display, 120, 36, 0.0))
    right = [line[86:88] for line in lines[3:20]]
    assert any("⠀" < c <= "⣿" for pair in right for c in pair)


statuses = st.builds(
    Status,
    st.just("bed1"),
    st.text(max_size=100),
    st.none() | st.floats(0, 1e6),
    st.none() | st.floats(0, 1e4),
    st.integers(0, 10**9),
    st.integers(0, 10**9),
    st.integers(0, 10**9),
)


@st.composite
def states(draw_from) -> DashboardState:
    state = DashboardState()
    leads = draw_from(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=4))
    rate_hz = draw_from(st.sampled_from([100.0, 250.0, 1000.0]))
    start = draw_from(st.integers(0, 10**9))
    state.fold(StreamInfo("bed1", rate_hz, tuple(leads), start, draw_from(st.text())), 0.0)
    state.fold(draw_from(statuses), 0.0)
    count = draw_from(st.integers(0, 3000))
    amplitude = draw_from(st.sampled_from([0.0, 0.01, 1.0, 500.0, np.nan, np.inf]))
    shape = (count, len(leads))
    noise = np.random.default_rng(count).normal(size=shape).astype(np.float32)
    state.fold(Samples("bed1", start, np.float32(amplitude) * noise), 0.0)
    end = start + count
    for sample in draw_from(st.lists(st.integers(max(0, end - 4000), end), max_size=5)):
        label = draw_from(st.sampled_from(AamiClass))
        state.fold(Beat("bed1", sample, end, label, (1, 0, 0, 0, 0), None, 0, "m"), 0.0)
    heart_rate = draw_from(st.none() | st.floats(0, 1e5))
    counts = {"N": draw_from(st.integers(0, 10**9))}
    usable = draw_from(st.booleans())
    state.fold(Vitals("bed1", end, heart_rate, heart_rate, usable, counts, 10**6), 0.0)
    lead_states = tuple(draw_from(st.sampled_from(LeadState)) for _ in leads)
    state.fold(Quality("bed1", start, end, lead_states, usable), 0.0)
    state.fold(Rhythm("bed1", start, end, draw_from(st.text(max_size=40))), 0.0)
    for number in range(draw_from(st.integers(0, 12))):
        raise_alert(
            state,
            number,
            draw_from(st.sampled_from(Priority)),
            draw_from(st.text(max_size=150)),
            draw_from(st.sampled_from(AlertState)),
        )
    return state


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(
    states(),
    st.integers(1, 260),
    st.integers(1, 80),
    st.builds(
        Display,
        st.none() | st.sampled_from([0.25, 4.0]),
        st.none() | st.sampled_from([10, 25, 100]),
        st.integers(0, 5),
        st.booleans(),
        st.booleans(),
        st.booleans(),
        st.booleans(),
    ),
    st.floats(0, 1e6),
)
def test_a_frame_has_exactly_the_size_of_the_terminal(state, width, height, display, now_s):
    lines = text_of(draw(state.snapshot("", now_s), display, width, height, now_s))
    assert len(lines) == height
    assert all(len(line) == width == cell_len(line) for line in lines)
    assert all(line.isprintable() for line in lines)


@pytest.mark.slow
@given(st.text())
def test_printable_keeps_the_width(text):
    assert cell_len(printable(text)) == len(text)


def test_without_colour_a_flashing_alarm_is_still_reversed():
    state = patient()
    raise_alert(state, 1, Priority.HIGH, "VT 180 > 100")

    def written(now_s: float) -> str:
        file = io.StringIO()
        console = Console(file=file, force_terminal=True, no_color=True, width=80, height=24)
        frame = Frame(draw(state.snapshot("", 0.0), Display(), 80, 24, now_s).rows())
        console.print(frame, crop=False, soft_wrap=True)
        return next(line for line in file.getvalue().splitlines() if "VT 180" in line)

    bright, dark = written(0.0), written(0.3)
    assert "\x1b[1;7m" in bright
    assert "\x1b[1;7m" not in dark
    assert not re.search(r"\x1b\[[0-9;]*[34]8;", bright + dark)
