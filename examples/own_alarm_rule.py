"""An alarm rule of your own, outside the program: the share of ventricular beats.

It reads the events of any stream as JSON lines and writes its own alerts as JSON lines::

    ecg-monitor demo --scenario bigeminy --once --json | python examples/own_alarm_rule.py

The rule is a pure function of the beats so far, like those of the monitor. Time is the sample
index, so live and replayed streams give the same alerts.
"""

import json
import sys
from collections import deque

BEATS = 40  # labelled beats in the window
LIMIT = 0.2  # share of them that are V or F
AGAIN = 0.15  # the alarm ends below this share


class PvcBurden:
    """Tell when more than ``LIMIT`` of the last ``BEATS`` beats are ventricular."""

    def __init__(self) -> None:
        self.labels: deque[str] = deque(maxlen=BEATS)
        self.active = False

    def push(self, beat: dict) -> dict | None:
        """Take one beat; give an alert if its state changes."""
        if beat["label"] == "Q":
            return None
        self.labels.append(beat["label"])
        if len(self.labels) < BEATS:
            return None
        share = sum(label in "VF" for label in self.labels) / BEATS
        if self.active == (share > (AGAIN if self.active else LIMIT)):
            return None
        self.active = not self.active
        return {
            "type": "alert",
            "stream": beat["stream"],
            "sample": beat["decided_sample"],
            "kind": "pvc_burden",
            "priority": "low",
            "state": "raised" if self.active else "cleared",
            "text": f"PVC BURDEN {share:.0%} (limit {LIMIT:.0%})",
        }


def main() -> None:
    """Read events, write alerts; one rule for each stream."""
    rules: dict[str, PvcBurden] = {}
    for line in sys.stdin:
        event = json.loads(line)
        if event["type"] == "beat":
            rule = rules.setdefault(event["stream"], PvcBurden())
            alert = rule.push(event)
            if alert:
                print(json.dumps(alert), flush=True)


if __name__ == "__main__":
    main()
