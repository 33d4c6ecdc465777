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
    StreamInfo,
    Vitals,
)
from monitor.sinks.lines import TextLines

P = (0.0, 0.0, 1.0, 0.0, 0.0)


def lines_of(*messages):
    out = []
    sink = TextLines(out.append)
    for message in messages:
        sink.deliver(message)
    return out


def test_each_event_is_one_line_with_its_time_in_the_signal():
    out = lines_of(
        StreamInfo("s", 100.0, ("II", "V1"), source="WFDB x/s"),
        StreamInfo("s", 100.0, ("II", "V1"), source="WFDB x/s"),  # sent again: not news
        Status("s", "loading"),
        Beat("s", 100, 150, AamiClass.N, P, None, 0, "m"),
        Beat("s", 200, 250, AamiClass.V, P, 0.8, 0, "m"),
        Rhythm("s", 300, 350, "VT"),
        Quality("s", 400, 425, (LeadState.LEAD_OFF, LeadState.NOISY), False),
        Gap("s", 500, 150, GapKind.HOLE),
        Alert("s", 1, 1, AlertKind.VT, Priority.HIGH, AlertState.RAISED, 300, 600, "VT 180 bpm"),
        End("s", 360_100),
    )
    assert out == [
        "s: WFDB x/s, 100 Hz, II, V1",
        "s 0:00:02.000      beat V",
        "s 0:00:03.000      rhythm VT",
        "s 0:00:04.000      signal lead_off, noisy: analysis suspended",
        "s 0:00:05.000      hole of 1.50 s",
        "s 0:00:06.000  *** VT 180 bpm  [vt raised]",
        "s 1:00:01.000      end of stream",
    ]


def test_vitals_come_every_ten_seconds_and_unknown_is_never_zero():
    info = StreamInfo("s", 100.0, ("II",))
    vitals = [
        Vitals(
            "s", second * 100, None if second < 5 else 72.4, None, True, {"N": second, "V": 0}, 0
        )
        for second in range(25)
    ]
    out = lines_of(info, *vitals)[1:]
    assert [line.split()[1] for line in out] == ["0:00:00.000", "0:00:10.000", "0:00:20.000"]
    assert out[0].endswith("HR --  PVC/min 0  beats --")
    assert "HR 72 " in out[1]
    assert "N 10" in out[1]
    assert "V" not in out[1].split("beats")[1]


def test_a_stream_that_does_not_say_where_it_comes_from():
    assert lines_of(StreamInfo("bed-7", 250.0, ("II", "V1"))) == ["bed-7: 250 Hz, II, V1"]
