"""Scenarios by name and from files: strict, and clear about what is wrong."""

import pytest

from monitor.errors import MonitorError
from monitor.sources.simulator import SCENARIOS, scenario, simulate
from monitor.sources.simulator import Simulator as Sim

GOOD = """
description = "couplet, then lead off"

[[segments]]
rhythm = "sinus"
duration_s = 12
rate_bpm = 75

[[segments.events]]
at_s = 4
kind = "pvc"
count = 2
forms = [0, 1]

[[segments]]
rhythm = "script"
duration_s = 6.0
beats = [{ kind = "normal", rr_s = 0.9 }, { kind = "pvc", rr_s = 0.5 }]

[[faults]]
kind = "lead_off"
start_s = 9
duration_s = 2
leads = ["II"]
mode = "flat"
"""


def test_a_file_plays(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    loaded = scenario(path)
    assert (loaded.name, loaded.duration_s) == ("mine", 18.0)
    assert loaded.segments[0].events[0].forms == (0, 1)
    values, truth = simulate(Sim(str(path)))
    assert "NVVN" in "".join(b.symbol for b in truth.beats)
    assert not values[9 * 360 : 11 * 360, 0].any()


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('rhythm = "sinus"', 'rythm = "sinus"', "rhythm is missing"),
        ("rate_bpm = 75", "rate = 75", r"segments\[0\].rate is not known"),
        ("rate_bpm = 75", 'rate_bpm = "75"', "rate_bpm"),
        ("rate_bpm = 75", "rate_bpm = 900", "15 to 330"),
        ("rate_bpm = 75", "rate_bpm = nan", "rate_bpm"),
        ('rhythm = "sinus"', 'rhythm = "samba"', "known: sinus"),
        ("duration_s = 12", "", "duration_s is missing"),
        ("at_s = 4", "at_s = 40", "after its end"),
        ('kind = "pvc"\ncount', 'kind = "pvd"\ncount', "'pvd'"),
        ("count = 2", "count = 2\npause_s = 3", "no pause_s"),
        ("forms = [0, 1]", "forms = [0, 9]", "forms"),
        ("forms = [0, 1]", "forms = 0", "list"),
        ('kind = "lead_off"', 'kind = "leadoff"', "'leadoff'"),
        ('mode = "flat"', 'mode = "float"', "'float'"),
        ('mode = "flat"', "frequency_hz = 50", "frequency_hz"),
        ("start_s = 9", "start_s = 90", "after the end"),
        ('leads = ["II"]', "leads = [2]", "leads"),
        ("[[faults]]", "[[fault]]", "fault is not known"),
        ("[[faults]]", "[[faults", "not valid TOML"),
        ("beats = [", "beats = [{ kind = 'normal' }, ", "rr_s is missing"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path, old, new, text):
    assert GOOD.count(old) >= 1
    path = tmp_path / "bad.toml"
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(MonitorError, match=text) as caught:
        scenario(path)
    assert "bad.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(MonitorError, match=r"'sinsu'.*tour.*ec13_rapid"):
        scenario("sinsu")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MonitorError, match="cannot read"):
        scenario(tmp_path / "none.toml")


def test_a_fault_of_a_lead_that_no_body_has(tmp_path):
    path = tmp_path / "lead.toml"
    path.write_text(GOOD.replace('leads = ["II"]', 'leads = ["IX"]'))
    with pytest.raises(MonitorError, match="'IX'"):
        Sim(path)


def test_catalogue_has_what_is_promised():
    wanted = """tour sinus pvc multiform couplet bigeminy trigeminy run vt vf af pac svt brady tachy
    pause asystole noise wander lead_off inverted gap paced hr_80_120 hr_80_40 vt_195 vt_206
    ec13_bigeminy ec13_slow ec13_rapid ec13_bidirectional"""
    assert set(wanted.split()) <= set(SCENARIOS)
    for name, item in SCENARIOS.items():
        assert item.name == name
        assert item.description
        assert "\n" not in item.description
        assert scenario(name) is item
