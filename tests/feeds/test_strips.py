"""Strips are asked for one by one; what cannot be had is left out."""

import base64

import numpy as np

from monitor.feeds.strips import ANSWER_S, StripRequests

VALUES = np.arange(20, dtype="<f4").reshape(10, 2)


def answer(stream="bed-1", **changes):
    fields = {
        "ok": True,
        "stream": stream,
        "start_sample": 1000,
        "shape": [10, 2],
        "rate_hz": 250.0,
        "leads": ["II", "V1"],
        "source": "",
        "wall_ns": 0,
        "values": base64.b64encode(VALUES.tobytes()).decode(),
    }
    return {**fields, **changes}


class Scripted:
    """A control socket with answers in store."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.sent = []

    def send(self, command, **fields):
        self.sent.append((command, fields))

    def receive(self):
        return self.answers.pop(0) if self.answers else None


def test_an_answer_is_delivered_as_the_snippet_of_its_alert():
    requests, delivered = StripRequests(), []
    control = Scripted(None, answer())
    requests.want("bed-1", 7)
    for now_s in (0.0, 0.1, 0.2):
        requests.follow(control, delivered.append, now_s)
    assert control.sent == [("snippet", {"stream": "bed-1", "alert_id": 7})]
    (snippet,) = delivered
    assert (snippet.stream, snippet.alert_id, snippet.start_sample) == ("bed-1", 7, 1000)
    np.testing.assert_array_equal(snippet.values_mv, VALUES)


def test_a_refusal_a_wrong_answer_and_silence_do_not_hold_up_the_next():
    requests, delivered = StripRequests(), []
    control = Scripted(
        {"ok": False, "error": "not kept"}, answer("bed-9"), {"ok": True}, None, answer()
    )
    for alert_id in range(5):
        requests.want("bed-1", alert_id)
    times_s = [0.0, 0.1, 0.2, 0.3, 0.4 + ANSWER_S, 0.5 + ANSWER_S]
    for now_s in times_s:
        requests.follow(control, delivered.append, now_s)
    assert [fields["alert_id"] for _, fields in control.sent] == [0, 1, 2, 3, 4]
    assert [snippet.alert_id for snippet in delivered] == [4]


def test_without_a_wish_nothing_is_sent():
    control = Scripted(answer())
    StripRequests().follow(control, [].append, 0.0)
    assert control.sent == []
