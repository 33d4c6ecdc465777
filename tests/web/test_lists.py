"""The lists of one bed: alarms, beats, trends; each bounded, each the same in any order."""

import itertools

import pytest
from web_parts import alert, beat, vitals

from monitor.messages import AamiClass, AlertState
from monitor.web.alarm_list import AlarmList, row_fields
from monitor.web.beat_log import BeatLog
from monitor.web.trend import Trend

STEP_NS = 10_000_000_000
LIFE = (
    (alert(seq=1), 100),
    (alert(seq=2, state=AlertState.UPDATED, text="VT 9 beats"), 200),
    (alert(seq=3, state=AlertState.ACKNOWLEDGED), 300),
    (alert(seq=4, state=AlertState.CLEARED, text="VT (ended)"), 400),
)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_a_life_in_any_order_gives_the_same_row(order):
    rows = AlarmList()
    for at in (*order, *order):
        rows.add(*LIFE[at])
    (row,) = rows.after(0)
    assert row.alert == LIFE[3][0]
    assert row.raised_ns == 100
    assert row.changed_ns == 400
    assert rows.active() == []


def test_alarms_of_the_equipment_count_downwards():
    rows = AlarmList()
    rows.add(alert(number=-1, seq=-1), 1)
    assert rows.add(alert(number=-1, seq=-2, state=AlertState.CLEARED), 2)
    assert not rows.add(alert(number=-1, seq=-1), 3)
    assert rows.active() == []


def test_a_reader_gets_what_has_changed_since():
    rows = AlarmList()
    rows.add(alert(number=1), 1)
    rows.add(alert(number=2, seq=2), 2)
    at = rows.change
    assert rows.after(at) == []
    rows.add(alert(number=1, seq=3, state=AlertState.CLEARED), 3)
    assert [row.alert.id for row in rows.after(at)] == [1]


def test_the_list_is_bounded_and_active_alarms_stay():
    rows = AlarmList(most=10)
    rows.add(alert(number=0), 0)
    for number in range(1, 50):
        rows.add(alert(number=number, seq=number, state=AlertState.CLEARED), number)
    kept = sorted(row.alert.id for row in rows.after(0))
    assert kept == [0, *range(41, 50)]


def test_a_row_as_json():
    rows = AlarmList()
    rows.add(alert(text="VT"), 5_000_000_000)
    fields = row_fields(rows.after(0)[0])
    assert fields["raised_ms"] == 5000
    assert (fields["kind"], fields["priority"], fields["state"]) == ("vt", "high", "raised")


def test_beats_are_given_by_number_and_by_place():
    log = BeatLog(size=4)
    for k in range(6):
        log.add(beat(sample=100 * k, label=AamiClass.V if k == 5 else AamiClass.N, rr_s=None))
    assert log.after(5, 100) == [[500, "V", None]]
    assert [row[0] for row in log.after(0, 100)] == [200, 300, 400, 500]
    assert [row[0] for row in log.after(0, 2)] == [400, 500]
    assert [row[0] for row in log.between(300, 500)] == [300, 400]


def test_trends_hold_ten_seconds_a_point():
    trend = Trend()
    for second, rate in enumerate((60.0, 90.0, None, 75.0)):
        trend.add(vitals(rate_bpm=rate, pvcs=second), second * 1_000_000_000)
    trend.add(vitals(rate_bpm=100.0, usable=False), STEP_NS)
    table = trend.table()
    assert table == {
        "step_s": 10,
        "time_s": [0, 10],
        "low_bpm": [60.0, None],
        "mean_bpm": [75.0, None],
        "high_bpm": [90.0, None],
        "pvcs_per_min": [3, 0],
        "usable": [1.0, 0.0],
    }


def test_a_hole_in_the_trends_stays_one():
    trend = Trend(hours=0.01)
    for k in (0, 1, 4, 5):
        trend.add(vitals(), k * STEP_NS)
    assert trend.table()["time_s"] == [40, 50]
    assert Trend().table()["time_s"] == []


def test_trends_are_bounded_and_a_clock_that_goes_back_does_no_harm():
    trend = Trend(hours=0.01)  # 36 s: four points
    for k in range(100):
        trend.add(vitals(), k * STEP_NS)
    trend.add(vitals(rate_bpm=300.0), 0)
    table = trend.table()
    assert table["time_s"] == [960, 970, 980, 990]
    assert table["high_bpm"][-1] == 300.0
