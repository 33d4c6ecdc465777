"""What the pages of the central station ask for beside the live connection."""

from __future__ import annotations

import base64
import threading
from collections.abc import Mapping

import numpy as np

from monitor.errors import MonitorError
from monitor.messages import FloatArray
from monitor.web.alarm_list import row_fields
from monitor.web.link import Requester
from monitor.web.trend import Trend
from monitor.web.ward import Ward

NEEDED = {"acknowledge": "control", "limits": "control", "discharge": "discharge"}
"""Requests that a page may make, and the right that each needs; to read limits needs none."""


class Station:
    """Answers about the ward, and hands requests on to the service.

    Parameters
    ----------
    ward
        Read under ``lock``.
    lock
        Of the ward.
    requester
        Asks the service.
    """

    def __init__(self, ward: Ward, lock: threading.Lock, requester: Requester) -> None:
        self.ward = ward
        self.lock = lock
        self._requester = requester

    def request(self, fields: Mapping[str, object], rights: frozenset[str]) -> dict[str, object]:
        """Hand a request on to the service.

        Raises
        ------
        MonitorError
            If the visitor has no right to it, or the service refuses or does not answer.
        """
        command = fields.get("command")
        if not isinstance(command, str) or command not in NEEDED:
            raise MonitorError(f"command must be {', '.join(NEEDED)}")
        reads = command == "limits" and not fields.get("set")
        if not reads and NEEDED[command] not in rights:
            raise MonitorError(f"you have no right to {NEEDED[command]}")
        known = ("command", "stream", "alert_id", "set")
        return self._requester.ask({name: fields[name] for name in known if name in fields})

    def trend(self, name: str) -> dict[str, object]:
        """Give the trends of a bed; a page may be open before its bed is known."""
        with self.lock:
            bed = self.ward.beds.get(name)
            return (Trend() if bed is None else bed.trend).table()

    def strip(self, name: str, alert_id: int) -> dict[str, object] | None:
        """Give the signal before an alert, with its beats; None if there is no such bed.

        Raises
        ------
        MonitorError
            If the signal is not in memory, and the service has it no more or does not answer.
        """
        with self.lock:
            bed = self.ward.beds.get(name)
            if bed is None or bed.info is None:
                return None
            found, row = self.ward.snippet(name, alert_id), bed.alarms.row(alert_id)
            rate_hz, leads = bed.info.rate_hz, list(bed.info.ecg.leads)
        if found is not None:
            start, values = found.start_sample, found.values_mv
        else:
            request: dict[str, object] = {"stream": name, "alert_id": alert_id}
            answer = self._requester.ask({"command": "snippet", **request})
            start, values, rate_hz, leads = _signal(answer, rate_hz, leads)
        end = start + len(values)
        with self.lock:
            beats = bed.beats.between(start, end)
        if not beats and row is not None:  # forgotten: the R peaks on which the alarm rests
            beats = [[sample, "", None] for sample in row.alert.beats if start <= sample < end]
        return {
            "alarm": None if row is None else row_fields(row),
            "start_sample": start,
            "rate_hz": rate_hz,
            "leads": leads,
            "columns": values.shape[1],
            "values": base64.b64encode(values.astype("<f4").tobytes()).decode(),
            "beats": beats,
        }


def _signal(
    answer: Mapping[str, object], rate_hz: float, leads: list[str]
) -> tuple[int, FloatArray, float, list[str]]:
    """Read a ``snippet`` answer of the service."""
    shape, values, start = (answer.get(name) for name in ("shape", "values", "start_sample"))
    if not isinstance(values, str) or not isinstance(start, int) or not isinstance(shape, list):
        raise MonitorError("the answer of the service cannot be read")
    try:
        signal = np.frombuffer(base64.b64decode(values), "<f4").reshape(shape)
    except ValueError as error:
        raise MonitorError("the answer of the service cannot be read") from error
    if signal.ndim != 2:
        raise MonitorError("the answer of the service cannot be read")
    named, rate = answer.get("leads"), answer.get("rate_hz")
    names = [str(name) for name in named] if isinstance(named, list) else leads
    return start, signal, float(rate) if isinstance(rate, int | float) else rate_hz, names
