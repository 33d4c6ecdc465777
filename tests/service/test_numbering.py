"""Numbers of alerts, and of the evidence that belongs to them, through several analyses."""

import numpy as np

from monitor.messages import Alert, AlertKind, AlertState, Priority, Snippet
from monitor.service.alert_book import AlertNumbers


def raised(id_, seq):
    alert = Alert("s", id_, seq, AlertKind.VT, Priority.HIGH, AlertState.RAISED, 0, seq, "VT")
    return [alert, Snippet("s", id_, seq, 0, np.zeros((2, 1), np.float32))]


def test_a_snippet_keeps_the_numbers_of_its_alert_in_every_analysis():
    numbers = AlertNumbers()
    seen = [numbers.shift(event) for event in raised(1, 1) + raised(2, 2)]
    numbers.next_run()
    seen += [numbers.shift(event) for event in raised(1, 1) + raised(2, 2)]
    alerts, snippets = seen[::2], seen[1::2]
    assert [alert.seq for alert in alerts] == [1, 2, 3, 4]
    assert [(s.alert_id, s.seq) for s in snippets] == [(a.id, a.seq) for a in alerts]
    assert len({alert.id for alert in alerts}) == 4
