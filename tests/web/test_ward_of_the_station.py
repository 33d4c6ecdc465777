"""The ward: messages of a service, folded; what a bed shows, how urgent it is, how it sounds."""

import pytest
from web_parts import (
    NOON_NS,
    alert,
    beat,
    heartbeat,
    info,
    packet,
    quality,
    rhythm,
    samples,
    snippet,
    stale,
    state,
    vitals,
    ward_with,
)

from monitor.messages import AlertKind, AlertState, End, LeadState, Priority
from monitor.web import ward as ward_module
from monitor.web.severity import loudest, rank_of, sound_of
from monitor.wire.protocol import SERVICE_STOPPED, StreamStatus

LIVE = (info(), state(), samples("bed-1", 0, 500))


def shown(ward, name="bed-1"):
    return ward.beds[name].fields()


def test_a_bed_shows_rate_and_rhythm():
    ward = ward_with(*LIVE, vitals(sample=499, rate_bpm=71.6, pvcs=3), rhythm(word="AFIB"))
    fields = shown(ward)
    assert fields["heart_rate_bpm"] == 71.6
    assert fields["pvcs_per_min"] == 3
    assert fields["rhythm_text"] == "atrial fibrillation"
    assert fields["leads"] == ["II", "V1"]
    assert fields["sample"] == 500
    assert fields["sound"] == ""


def test_a_rate_that_is_not_known_or_not_usable_is_none():
    assert shown(ward_with(*LIVE, vitals(rate_bpm=None)))["heart_rate_bpm"] is None
    assert shown(ward_with(*LIVE, vitals(usable=False)))["heart_rate_bpm"] is None


def test_an_old_rate_is_not_shown():
    ward = ward_with(*LIVE, vitals())
    ward.take(packet(state(), sent_ns=NOON_NS + 4_000_000_000), 4.0)
    assert shown(ward)["heart_rate_bpm"] == 72.0
    ward.take(packet(state(), sent_ns=NOON_NS + 6_000_000_000), 6.0)
    assert shown(ward)["heart_rate_bpm"] is None


def test_a_pulse_wave_is_no_lead():
    from dataclasses import replace

    with_pulse = replace(info(leads=("II", "PLETH")), pulse="PLETH")
    assert shown(ward_with(with_pulse))["leads"] == ["II"]


@pytest.mark.parametrize(
    ("status", "text", "unwatched"),
    [
        (StreamStatus.LIVE, "", False),
        (StreamStatus.STALE, "", True),
        (StreamStatus.QUARANTINED, "no place", True),
        (StreamStatus.STALE, SERVICE_STOPPED, True),
        (StreamStatus.ENDED, "", False),
        (StreamStatus.ENDED, SERVICE_STOPPED, True),
    ],
)
def test_an_unwatched_patient_shows_no_numbers(status, text, unwatched):
    ward = ward_with(*LIVE, vitals(), rhythm(), state(status=status, text=text))
    fields = shown(ward)
    assert fields["unwatched"] is unwatched
    live = status is StreamStatus.LIVE
    assert fields["heart_rate_bpm"] == (72.0 if live else None)
    assert fields["rhythm"] == ("N" if live else None)


def test_samples_end_staleness_at_once():
    ward = ward_with(*LIVE, state(status=StreamStatus.STALE))
    version = ward.beds["bed-1"].version
    ward.take(packet(samples("bed-1", 500, 25)), 1.0)
    assert shown(ward)["status"] == "live"
    assert ward.beds["bed-1"].version > version


def test_an_end_is_no_loss():
    ward = ward_with(*LIVE, End("bed-1", 500))
    assert ward.beds["bed-1"].ended
    assert shown(ward)["sound"] == ""
    assert not shown(ward)["unwatched"]


def test_a_service_that_stopped_sounds_for_its_patients():
    ward = ward_with(*LIVE, state(status=StreamStatus.STALE, text=SERVICE_STOPPED))
    assert shown(ward)["sound"] == "medium"


def test_alarms_come_from_states_too_and_once():
    ward = ward_with(info(), state(alerts=(alert(),)), alert(), alert())
    assert [a["id"] for a in shown(ward)["alarms"]] == [1]
    assert ward.beds["bed-1"].alarms.change == 1


def test_an_alarm_that_ended_is_no_longer_active_though_an_old_state_repeats_it():
    ward = ward_with(info(), alert(), alert(seq=2, state=AlertState.CLEARED), alert())
    assert shown(ward)["alarms"] == []


def test_a_restart_of_a_service_with_a_journal_keeps_alarms_and_one_without_forgets_them():
    for journal_last, kept in ((7, 1), (None, 0)):
        ward = ward_with(*LIVE, alert())
        ward.take(packet(state(journal_last=journal_last), publisher="p2"), 1.0)
        assert len(shown(ward)["alarms"]) == kept
        # and again: it does not forget those that came since
        ward.take(packet(alert(number=2, seq=2), publisher="p2"), 1.0)
        ward.take(packet(state(journal_last=journal_last), publisher="p2"), 2.0)
        assert len(shown(ward)["alarms"]) == kept + 1


def test_a_signal_that_begins_anew_drops_what_belonged_to_the_old_one():
    ward = ward_with(*LIVE, vitals(), rhythm(), beat())
    begun = shown(ward)["begun"]
    ward.take(packet(info(start=9000)), 1.0)
    fields = shown(ward)
    assert fields["begun"] == begun + 1
    assert fields["sample"] == 9000
    assert fields["heart_rate_bpm"] is None
    assert ward.beds["bed-1"].beats.count == 0


def test_the_most_urgent_comes_first():
    calls = {
        "high": [alert("high")],
        "high-seen": [alert("high-seen", state=AlertState.ACKNOWLEDGED)],
        "medium": [alert("medium", kind=AlertKind.AF, priority=Priority.MEDIUM)],
        "silent": [stale("silent")],
        "off": [
            quality("off", (LeadState.LEAD_OFF, LeadState.LEAD_OFF), usable=False),
            alert("off", kind=AlertKind.LEAD_OFF, priority=Priority.TECHNICAL),
        ],
        "low": [alert("low", kind=AlertKind.COUPLET, priority=Priority.LOW)],
        "noise": [alert("noise", kind=AlertKind.NOISE, priority=Priority.TECHNICAL)],
        "quiet": [],
    }
    ward = ward_with(
        *(body for name, bodies in calls.items() for body in (info(name), state(name), *bodies))
    )
    ranks = {name: bed.rank for name, bed in ward.beds.items()}
    assert sorted(ranks, key=ranks.__getitem__) == list(calls)
    sounds = {name: bed.sound for name, bed in ward.beds.items()}
    assert sounds == {
        "high": "high", "high-seen": "", "medium": "medium", "silent": "medium", "off": "medium",
        "low": "low", "noise": "", "quiet": "",
    }  # fmt: skip


def test_a_lead_that_is_off_beside_a_good_one_is_a_low_alarm():
    off = alert(kind=AlertKind.LEAD_OFF, priority=Priority.TECHNICAL)
    assert sound_of(off, usable=True) == "low"
    assert rank_of(off, usable=True) > rank_of(off, usable=False)


def test_the_loudest_sound():
    assert loudest(["low", "medium", ""]) == "medium"
    assert loudest([""]) == ""


def test_a_silent_service_is_lost_within_three_seconds():
    ward = ward_with(heartbeat(late=2), now_s=10.0)
    assert ward.service.late == 2
    assert not ward.lost(12.0)
    assert ward.lost(13.0)
    assert ward_with().lost(0.0)


def test_alarms_of_the_past_come_into_the_list_but_make_no_bed():
    ward = ward_with(*LIVE, alert(number=3, seq=5))
    past = [
        packet(alert(number=2, seq=3), sent_ns=1),
        packet(alert(number=2, seq=4, state=AlertState.CLEARED), sent_ns=2),
        packet(alert("other"), sent_ns=3),
    ]
    ward.recall(past)
    assert set(ward.beds) == {"bed-1"}
    bed = ward.beds["bed-1"]
    assert [row.alert.id for row in bed.alarms.active()] == [3]
    assert bed.alarms.row(2).raised_ns == 1


def test_memory_is_bounded_and_a_bed_with_alarms_stays_longest(monkeypatch):
    monkeypatch.setattr(ward_module, "MAX_BEDS", 3)
    ward = ward_with(info("a"), alert("a"), info("b"), info("c"), info("d"), info("e"))
    assert "a" in ward.beds
    assert len(ward.beds) == 3
    assert ward.gone == 2
    numbers = [bed.number for bed in ward.beds.values()]
    assert len(set(numbers)) == 3


def test_snippets_are_kept_up_to_a_bound(monkeypatch):
    monkeypatch.setattr(ward_module, "MAX_SNIPPET_BYTES", 3 * 2500 * 8)
    ward = ward_with(*(snippet(number=n) for n in range(5)), snippet(number=4))
    assert ward.snippet("bed-1", 1) is None
    assert ward.snippet("bed-1", 2).alert_id == 2
    assert ward.snippet("bed-1", 4) == snippet(number=4)


def test_samples_of_other_leads_than_announced_are_left_out():
    ward = ward_with(*LIVE, samples("bed-1", 500, 10, leads=3))
    assert shown(ward)["sample"] == 500
