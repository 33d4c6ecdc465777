"""The scores of the labels under one condition, as rows and figures of the card."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.score import RecordScore, summarise


@dataclass(frozen=True, slots=True)
class Table:
    """The scores of one condition, by both class maps.

    ``own``: streamed through the whole monitor with its own R peaks; else reference R peaks.
    ``calibration_error`` is known for reference R peaks, ``latency_s`` (median, from the R peak
    to the label) for own ones.
    """

    name: str
    own: bool
    ec57: list[RecordScore]
    ml: list[RecordScore]
    calibration_error: float | None = None
    latency_s: float | None = None

    @property
    def macro_f1(self) -> float:
        """Mean F1 of N, S and V from the matrix of the ML map, missed and false beats counted."""
        m = summarise(self.ml).matrix
        total = 0.0
        for k in range(3):  # rows and columns begin N, S, V
            se, pp = m[k, k] / max(m[k].sum(), 1), m[k, k] / max(m[:, k].sum(), 1)
            total += 2 * se * pp / max(se + pp, 1e-9) / 3
        return float(total)

    def metrics(self) -> dict[str, float]:
        """Give Se and +P of V, S and F (percent, class map of the ML literature) and macro F1."""
        s = summarise(self.ml)
        found = {"v_se": s.v_se, "v_pp": s.v_pp, "s_se": s.s_se, "s_pp": s.s_pp}
        found |= {"f_se": s.f_se, "f_pp": s.f_pp}
        rounded = {name: round(value, 1) for name, value in found.items() if value is not None}
        return {**rounded, "macro_f1": round(self.macro_f1, 3)}

    def line(self) -> str:
        """Give one row of the table of conditions."""
        m, e = summarise(self.ml), summarise(self.ec57)
        m_rest, e_rest = (
            summarise([score for score in scores if score.record != "232"])
            for scores in (self.ml, self.ec57)
        )
        beats = "own detector" if self.own else "reference"
        pairs = [(m.v_se, m.v_pp), (m.s_se, m.s_pp), (m_rest.s_se, m_rest.s_pp)]
        pairs += [(e.s_se, e.s_pp), (e_rest.s_se, e_rest.s_pp), (m.f_se, m.f_pp)]
        cells = " | ".join(pair(*p) for p in pairs)
        return f"| {self.name} | {beats} | {cells} | {self.macro_f1:.3f} |"


def pair(se: float | None, pp: float | None) -> str:
    """Show Se/+P in percent."""
    return "/".join("-" if x is None else f"{x:.1f}" for x in (se, pp))
