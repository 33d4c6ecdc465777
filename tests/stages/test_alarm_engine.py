"""The state machine of alarms, under any sequence of findings."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.config import AlarmSettings
from monitor.messages import Alert, AlertKind, AlertState, Priority
from monitor.stages.alarms.engine import Engine, Finding

RATE_HZ = 100.0
HOP = 25
KINDS = (
    AlertKind.VF,
    AlertKind.ASYSTOLE,
    AlertKind.VT,
    AlertKind.EXTREME_TACHY,
    AlertKind.HR_HIGH,
    AlertKind.NSVT,
    AlertKind.PAUSE,
    AlertKind.COUPLET,
    AlertKind.BIGEMINY,
    AlertKind.LEAD_OFF,
)

Step = tuple[frozenset[AlertKind], bool, bool]
steps = st.lists(
    st.tuples(
        st.frozensets(st.sampled_from(KINDS), max_size=4),
        st.booleans(),
        st.integers(0, 9).map(lambda n: n == 0),  # acknowledge everything, now and then
    ),
    max_size=60,
)


def engine(**limits: float) -> Engine:
    return Engine("bed1", RATE_HZ, AlarmSettings(**limits))  # type: ignore[arg-type]


def play(machine: Engine, script: Sequence[Step], hops_each: int = 8) -> list[list[Alert]]:
    """One list of transitions for every hop; each step lasts some hops."""
    out = []
    sample = 0
    for present, suspended, acknowledge in script:
        for i in range(hops_each):
            sample += HOP
            findings = {k: Finding(sample, f"{k} here", 1.0, 0.0, (sample,)) for k in present}
            alerts = machine.observe(sample, findings, suspended)
            if acknowledge and i == 0:
                alerts += machine.acknowledge(None)
            out.append(alerts)
    return out


def texts(alerts: Sequence[Alert]) -> list[str]:
    return [f"{a.kind} {a.state}" for a in alerts]


@pytest.mark.slow
@given(steps)
@settings(max_examples=150, deadline=None)
def test_transitions_are_legal_and_numbered(script: list[Step]) -> None:
    live: dict[AlertKind, tuple[int, bool]] = {}
    seen_ids: set[int] = set()
    seq = 0
    for alerts in play(engine(), script):
        for alert in alerts:
            seq += 1
            assert alert.seq == seq
            assert alert.onset_sample <= alert.sample
            if alert.state is AlertState.RAISED:
                assert alert.kind not in live
                assert alert.id not in seen_ids
                seen_ids.add(alert.id)
                live[alert.kind] = (alert.id, False)
                continue
            assert live[alert.kind][0] == alert.id
            if alert.state is AlertState.ACKNOWLEDGED:
                assert not live[alert.kind][1]
                live[alert.kind] = (alert.id, True)
            elif alert.state is AlertState.CLEARED:
                del live[alert.kind]


@pytest.mark.slow
@given(steps)
@settings(max_examples=150, deadline=None)
def test_a_lethal_condition_is_never_lost(script: list[Step]) -> None:
    machine = engine()
    hop = 0
    unacknowledged: set[AlertKind] = set()
    played = play(machine, script)
    for present, _, _ in script:
        for _ in range(8):
            alerts = played[hop]
            hop += 1
            for alert in alerts:
                if alert.priority is Priority.HIGH:
                    if alert.state is AlertState.RAISED:
                        unacknowledged.add(alert.kind)
                    elif alert.state is AlertState.ACKNOWLEDGED:
                        unacknowledged.discard(alert.kind)
                    elif alert.state is AlertState.CLEARED and alert.kind in unacknowledged:
                        # only ever replaced by a new alarm of its kind in the same hop
                        assert f"{alert.kind} raised" in texts(alerts)
            live = _live_after(played[:hop])
            for kind in present:
                if kind.priority is Priority.HIGH:
                    worse = [k for k in present if kind in k.covers]
                    frozen = [k for k in live if kind in k.covers]
                    assert kind in live or worse or frozen


def _live_after(played: Sequence[Sequence[Alert]]) -> set[AlertKind]:
    live: set[AlertKind] = set()
    for alerts in played:
        for alert in alerts:
            if alert.state is AlertState.CLEARED:
                live.discard(alert.kind)
            else:
                live.add(alert.kind)
    return live


@pytest.mark.slow
@given(steps, st.lists(st.frozensets(st.sampled_from(KINDS[2:]), max_size=5), max_size=60))
@settings(max_examples=100, deadline=None)
def test_switches_changed_while_running_silence_what_they_name_and_nothing_else(
    script: list[Step], switches: list[frozenset[AlertKind]]
) -> None:
    machine = engine()
    told: list[Alert] = []
    sample = 0
    off: frozenset[AlertKind] = frozenset()
    for step, (present, suspended, acknowledge) in enumerate(script):
        if step < len(switches):
            off = switches[step]
            cleared = machine.adopt(AlarmSettings(off=tuple(off)))
            assert {a.kind for a in cleared} <= off
            told += cleared
        for _ in range(8):
            sample += HOP
            findings = {kind: Finding(sample, str(kind)) for kind in present}
            told += machine.observe(sample, findings, suspended)
            told += machine.acknowledge(None) if acknowledge else []
            live = _live_after([told])
            assert live == set(machine.live)
            assert not live & off
            for kind in present - off:
                if kind.priority is Priority.HIGH:
                    assert kind in live or any(kind in k.covers for k in live)
    assert [alert.seq for alert in told] == list(range(1, len(told) + 1))


@given(steps)
@settings(max_examples=60, deadline=None)
def test_it_always_comes_to_rest(script: list[Step]) -> None:
    machine = engine()
    play(machine, script)
    sample = 10_000_000
    machine.observe(sample, {}, False)
    machine.acknowledge(None)
    machine.observe(sample + 100_000, {}, False)
    machine.acknowledge(None)
    assert machine.live == ()
    found = {AlertKind.COUPLET: Finding(1, "COUPLET")}
    assert texts(machine.observe(sample + 200_000, found)) == ["couplet raised"]


@pytest.mark.slow
@given(steps)
@settings(max_examples=60, deadline=None)
def test_same_findings_same_transitions(script: list[Step]) -> None:
    assert play(engine(), script) == play(engine(), script)


@given(steps)
@settings(max_examples=60, deadline=None)
def test_low_alarms_come_back_no_sooner_than_their_time_out(script: list[Step]) -> None:
    ended: dict[AlertKind, int] = {}
    for alerts in play(engine(inhibit_low_s=30.0), script):
        for alert in alerts:
            if alert.priority is not Priority.LOW:
                continue
            if alert.state is AlertState.CLEARED and alert.text.endswith("(ended)"):
                ended[alert.kind] = alert.sample
            elif alert.state is AlertState.RAISED and alert.kind in ended:
                assert alert.sample - ended[alert.kind] >= 30 * RATE_HZ


def one(machine: Engine, at_s: float, *kinds: AlertKind, suspended: bool = False) -> list[str]:
    sample = round(at_s * RATE_HZ)
    findings = {kind: Finding(sample, str(kind)) for kind in kinds}
    return texts(machine.observe(sample, findings, suspended))


def test_only_the_worst_of_a_chain_sounds() -> None:
    machine = engine()
    assert one(machine, 1, AlertKind.HR_HIGH) == ["hr_high raised"]
    assert one(machine, 2, AlertKind.HR_HIGH, AlertKind.EXTREME_TACHY) == [
        "extreme_tachy raised",
        "hr_high cleared",
    ]
    assert one(machine, 3, AlertKind.HR_HIGH) == []
    assert one(machine, 9, AlertKind.HR_HIGH) == ["extreme_tachy updated", "hr_high raised"]


def test_chains_have_no_circle_and_cover_nothing_worse() -> None:
    rank = {kind: at for at, kind in enumerate(AlertKind)}
    for kind in AlertKind:
        for covered in kind.covers:
            assert kind not in covered.covers
            assert covered.priority is not Priority.TECHNICAL
            if covered.priority is Priority.HIGH:
                assert kind.priority is Priority.HIGH
                assert rank[kind] < rank[covered]


def test_inhibition_holds_back_its_own_kind_only() -> None:
    machine = engine(inhibit_low_s=60.0, hold_s=10.0)
    assert one(machine, 1, AlertKind.COUPLET) == ["couplet raised"]
    assert one(machine, 12) == ["couplet cleared"]
    assert one(machine, 20, AlertKind.COUPLET) == []
    assert one(machine, 21, AlertKind.COUPLET, AlertKind.NSVT) == ["nsvt raised"]
    assert one(machine, 22, AlertKind.VT, AlertKind.NSVT) == ["vt raised", "nsvt cleared"]
    assert one(machine, 80, AlertKind.COUPLET) == ["vt updated", "couplet raised"]


def test_what_is_acknowledged_alarms_again_when_it_returns() -> None:
    machine = engine()
    one(machine, 1, AlertKind.VT)
    assert texts(machine.acknowledge(None)) == ["vt acknowledged"]
    assert machine.acknowledge(None) == []
    assert one(machine, 10) == ["vt cleared"]
    assert one(machine, 11, AlertKind.VT) == ["vt raised"]
    assert machine.acknowledge(999) == []


def test_a_latched_condition_that_returns_late_is_a_new_alarm() -> None:
    machine = engine(again_s=10.0)
    one(machine, 1, AlertKind.VT)
    assert one(machine, 5) == ["vt updated"]
    assert one(machine, 6, AlertKind.VT) == ["vt updated"]
    assert one(machine, 9) == ["vt updated"]
    assert one(machine, 30, AlertKind.VT) == ["vt cleared", "vt raised"]


def test_suspension_freezes_what_stands() -> None:
    machine = engine(suspended_clear_s=60.0)
    one(machine, 1, AlertKind.HR_HIGH)
    for second in range(2, 60):
        assert one(machine, second, AlertKind.LEAD_OFF, suspended=True) in (
            [],
            ["lead_off raised"],
        )
    assert one(machine, 63, AlertKind.LEAD_OFF, suspended=True) == ["hr_high cleared"]
    assert one(machine, 64) == ["lead_off cleared"]


def test_updates_are_told_at_most_every_update_s() -> None:
    machine = engine(update_s=5.0)
    told = []
    for hop in range(1, 80):
        finding = Finding(1, f"HR {120 + hop} > 120")
        told += machine.observe(hop * HOP, {AlertKind.HR_HIGH: finding})
    updates = [a.sample for a in told if a.state is AlertState.UPDATED]
    assert len(updates) == 3
    assert min(b - a for a, b in pairwise(updates)) >= 5 * RATE_HZ
