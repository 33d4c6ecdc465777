"""The unit that a sender states: turned into millivolts, or refused; never ignored."""

import json

import numpy as np
import pytest
from desk import Desk, of
from service_parts import EveryHundred, Sender

from monitor.messages import Samples, StreamInfo
from monitor.service.hub import Hub
from monitor.service.memory import StreamMemory
from monitor.wire.fields import fields_from_dict
from monitor.wire.frames import decode, encode
from monitor.wire.jsonform import loads
from monitor.wire.protocol import ProtocolError, StreamStatus, Unit


def stating(frames, unit):
    """The announcement with a unit."""
    topic, header = frames
    return [topic, json.dumps(json.loads(header) | {"unit": unit}).encode()]


@pytest.mark.parametrize(("unit", "one"), [("mV", 1.0), ("uV", 1000.0), ("V", 0.001)])
def test_samples_of_a_stated_unit_become_millivolts(unit, one):
    desk, sender = Desk(), Sender()
    desk.take(stating(sender.announce(), unit), sender.samples(value=one))
    desk.take(stating(sender.announce(), unit), sender.samples(value=2 * one))  # told again
    samples = of(Samples, desk.out)
    assert [float(s.values_mv[0, 0]) for s in samples] == pytest.approx([1.0, 2.0])
    assert samples[0].values_mv.dtype == np.float32
    assert len(of(StreamInfo, desk.out)) == 1


def test_what_is_published_says_that_it_is_in_millivolts():
    header = json.loads(encode(Sender().info, "p", 0, 0)[1])
    assert header["unit"] == "mV"


@pytest.mark.parametrize("unit", ["mv", "adu", "", 1, None, ["mV"]])
def test_another_unit_is_refused_and_said(unit):
    desk, sender = Desk(), Sender()
    announcement = stating(sender.announce(), unit)
    with pytest.raises(ProtocolError, match="unit"):
        decode(announcement)
    assert desk.take(announcement, *(sender.samples() for _ in range(4))) == []
    assert desk.said[0].startswith("refused a message: info.a: unit: ")
    assert len(desk.said) == 2  # nor has the stream been announced
    assert desk.hub.refused == 5


def test_a_unit_that_changes_begins_the_stream_anew():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(), sender.samples(value=1.0))
    desk.take(stating(sender.announce(), "uV"), sender.samples(value=1000.0))
    assert [float(s.values_mv[0, 0]) for s in of(Samples, desk.out)] == [1.0, 1.0]
    assert len(of(StreamInfo, desk.out)) == 2


def test_a_sender_that_takes_over_brings_its_unit():
    desk, old, new = Desk(), Sender("old"), Sender("new")
    desk.take(stating(old.announce(), "uV"), old.samples(value=1000.0))
    new.at = old.at
    desk.take(stating(new.announce(), "mV"), new.samples(value=1.0))  # waits: the old one may live
    desk.tick(5.0)
    desk.take(new.announce(), new.samples(value=1.0))
    assert {float(s.values_mv[0, 0]) for s in of(Samples, desk.out)} == {1.0}
    assert desk.state().status is StreamStatus.LIVE


def test_the_unit_is_known_after_a_restart():
    desk, sender = Desk(), Sender()
    desk.take(stating(sender.announce(), "uV"), sender.samples(value=1000.0))
    text = desk.hub.memory("a").text()
    memory = fields_from_dict(StreamMemory, loads(text.encode()))
    assert memory.unit is Unit.MICROVOLT
    hub = Hub(EveryHundred, "service", print)
    hub.restore([memory], 0.0)
    out = hub.receive(sender.samples(value=1000.0), 0.1, 0)  # not announced again
    assert [float(s.values_mv[0, 0]) for s in of(Samples, out)] == [1.0]
    before = json.loads(text)
    del before["unit"]  # as an earlier version kept it
    assert fields_from_dict(StreamMemory, before).unit is Unit.MILLIVOLT


def test_a_pulse_waveform_is_in_a_unit_of_its_own():
    desk, sender = Desk(), Sender()
    desk.take(stating(sender.announce(pulse="L1"), "uV"), sender.samples(value=1000.0))
    (samples,) = of(Samples, desk.out)
    assert samples.values_mv[0].tolist() == [1.0, 1000.0]
    assert of(StreamInfo, desk.out)[0].pulse == "L1"


def test_a_pulse_that_is_announced_later_begins_the_stream_anew():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(), sender.samples())
    desk.take(sender.announce(pulse="L1"), sender.samples(), sender.announce(pulse="L1"))
    assert [info.pulse for info in of(StreamInfo, desk.out)] == ["", "L1"]
