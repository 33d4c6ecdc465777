"""Alarm limits of one patient, changed over the control socket while the stream runs."""

import json

import pytest
from service_parts import EveryHundred, Sender

from monitor.cli import main
from monitor.config import AlarmSettings
from monitor.pipeline import Pipeline
from monitor.service.hub import Hub
from monitor.sources.simulator import Simulator


class Desk:
    def __init__(self):
        self.said = []
        self.hub = Hub(EveryHundred, "service", self.said.append, 8)

    def take(self, *messages):
        for frames in messages:
            self.hub.receive(frames, 100.0, 0)

    def limits(self, stream="a", **changes):
        request = {"schema": 1, "command": "limits", "stream": stream, "set": changes}
        return json.loads(self.hub.request(json.dumps(request).encode())[0])


def test_limits_are_shown_changed_confirmed_and_logged():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(), sender.samples(500))
    assert desk.limits()["limits"]["hr_high_bpm"] == 120.0
    reply = desk.limits(hr_high_bpm=130, off=["couplet"])
    assert reply["ok"] is True
    assert reply["limits"]["hr_high_bpm"] == 130.0
    assert desk.limits()["limits"]["off"] == ["couplet"]
    assert "stream a: limit hr_high_bpm 120.0 -> 130.0" in desk.said
    assert "stream a: limit off none -> couplet" in desk.said


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"hr_high_bpm": 1e9}, "hr_high_bpm: must lie in"),
        ({"hr_high": 130}, "hr_high is not known"),
        ({"hr_high_bpm": "fast"}, "must be of type float"),
        ({"off": ["asystole"]}, "asystole cannot be switched off"),
        ({"off": "couplet"}, "must be a list"),
        ({"hr_low_bpm": 119, "hr_high_bpm": 118}, "must hold"),
    ],
)
def test_what_is_not_allowed_changes_nothing(changes, complaint):
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(), sender.samples(500))
    reply = desk.limits(**changes)
    assert reply["ok"] is False
    assert complaint in reply["error"]
    assert desk.limits()["limits"]["hr_high_bpm"] == 120.0


def test_limits_of_no_stream_and_before_the_first_samples():
    desk, sender = Desk(), Sender()
    assert "no stream 'a'" in desk.limits()["error"]
    desk.take(sender.announce())
    assert "no samples yet" in desk.limits()["error"]


def test_a_restart_of_the_stream_keeps_the_limits():
    desk, first, second = Desk(), Sender("life 1"), Sender("life 2")
    desk.take(first.announce(), first.samples(500))
    desk.limits(hr_high_bpm=130)
    desk.take(second.announce(), second.samples(500))
    assert desk.limits()["limits"]["hr_high_bpm"] == 130.0


def hr_high_alerts(limits):
    source = Simulator("tachy", rate_hz=125.0, duration_s=120.0)
    pipeline = Pipeline(source.info)
    assert pipeline.limits == AlarmSettings()
    events = list(pipeline.set_limits(limits)) if limits else []
    for chunk in source.chunks():
        events += pipeline.push(chunk)
    return [e for e in events if getattr(e, "kind", None) == "hr_high"]


@pytest.mark.slow
def test_the_pipeline_obeys_its_limits():
    assert hr_high_alerts(None)
    assert not hr_high_alerts(AlarmSettings(hr_high_bpm=139.0))
    assert not hr_high_alerts(AlarmSettings(off=("hr_high",)))


def test_the_command_says_when_there_is_no_service(capsys):
    control = "tcp://127.0.0.1:9"
    code = main(["limits", "bed-7", "--control", control, "--patience", "0.2"])
    assert code == 1
    assert "no service answers" in capsys.readouterr().err


def test_a_change_that_is_none_is_refused(capsys):
    for text in ("hr_high_bpm", "hr_high_bpm=nan", "=3", "hr_high_bpm=fast"):
        with pytest.raises(SystemExit):
            main(["limits", "bed-7", text])
        assert text in capsys.readouterr().err
