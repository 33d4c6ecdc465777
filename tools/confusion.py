"""Confusion matrices and the figures drawn from them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.score.beats import COLUMNS, ROWS
from monitor.score.figures import Figures, figures

CARDS = Path(__file__).resolve().parents[1] / "models"
"""Folder of the cards of the shipped networks and their charts; it is not installed."""


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """Counts of beats by true class (rows) and found class (columns).

    Parameters
    ----------
    counts
        Shape (classes, classes).
    classes
        Their names.
    """

    counts: NDArray[np.int64]
    classes: tuple[str, ...]

    @classmethod
    def of(
        cls, truth: NDArray[np.int64], found: NDArray[np.int64], classes: tuple[str, ...]
    ) -> Confusion:
        """Count true and found class indices, each of shape (n,)."""
        counts = np.zeros((len(classes), len(classes)), np.int64)
        np.add.at(counts, (truth, found), 1)
        return cls(counts, classes)

    @property
    def precision(self) -> NDArray[np.float64]:
        """By class; 0 where nothing was found."""
        return np.asarray(np.diag(self.counts) / np.maximum(self.counts.sum(axis=0), 1))

    @property
    def recall(self) -> NDArray[np.float64]:
        """By class; 0 where there is nothing to find."""
        return np.asarray(np.diag(self.counts) / np.maximum(self.counts.sum(axis=1), 1))

    @property
    def f1(self) -> NDArray[np.float64]:
        """Harmonic mean of precision and recall, by class; 0 for a class with neither."""
        both = self.counts.sum(axis=0) + self.counts.sum(axis=1)
        return np.asarray(2 * np.diag(self.counts) / np.maximum(both, 1))

    @property
    def accuracy(self) -> float:
        """Share of all beats that were found in their class."""
        return float(np.trace(self.counts) / max(int(self.counts.sum()), 1))

    @property
    def macro_f1(self) -> float:
        """Mean of F1 over the classes."""
        return float(self.f1.mean())

    @property
    def weighted_f1(self) -> float:
        """Mean of F1 over the beats."""
        return float(self.f1 @ self.counts.sum(axis=1) / max(int(self.counts.sum()), 1))

    def table(self) -> list[str]:
        """Give the matrix and the figures by class as Markdown lines."""
        names = " | ".join(self.classes)
        lines = [
            f"| reference \\ found | {names} | precision | recall | F1 |",
            "|---|" + "---:|" * (len(self.classes) + 3),
        ]
        for k, name in enumerate(self.classes):
            counts = " | ".join(str(n) for n in self.counts[k].tolist())
            figures = " | ".join(f"{x[k]:.3f}" for x in (self.precision, self.recall, self.f1))
            lines.append(f"| {name} | {counts} | {figures} |")
        total = int(self.counts.sum())
        figures = f"macro F1 {self.macro_f1:.3f}, weighted F1 {self.weighted_f1:.4f}"
        return [*lines, "", f"Accuracy {self.accuracy:.4f}, {figures}; {total} beats."]

    def ec57(self) -> Figures | None:
        """Se/+P by EC57 of beats that are all matched; None for other classes than N S V F Q."""
        if "".join(self.classes) != "NSVFQ":
            return None
        matrix = np.zeros((len(ROWS), len(COLUMNS)), np.int64)
        matrix[:5, :5] = self.counts  # rows and columns begin N, S, V, F, Q
        return figures(matrix)


def calibration_error(top: NDArray[np.floating], right: NDArray[np.bool_]) -> float:
    """Give the expected calibration error, ten bins.

    Parameters
    ----------
    top
        Probability of the class found, (n,).
    right
        Whether it was the true one, (n,).
    """
    bins = np.minimum((top * 10).astype(np.int64), 9)
    parts = [
        abs(float(top[bins == k].mean()) - float(right[bins == k].mean())) * (bins == k).mean()
        for k in range(10)
        if (bins == k).any()
    ]
    return float(sum(parts))


def draw(confusion: Confusion, title: str, path: Path) -> None:
    """Draw the matrix as an SVG file: counts, coloured by their share of the reference class."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    rows = confusion.counts.sum(axis=1) > 0
    counts = confusion.counts[rows]
    share = counts / counts.sum(axis=1, keepdims=True)
    names = [name for name, row in zip(confusion.classes, rows, strict=True) if row]
    look: Any = {"svg.hashsalt": "ecg-monitor", "svg.fonttype": "none", "font.family": "sans-serif"}
    with matplotlib.rc_context(look):
        figure, axes = pyplot.subplots(figsize=(4.6, 0.9 + 0.62 * len(names)), layout="tight")
        axes.imshow(share, cmap="Blues", vmin=0.0, vmax=1.0, aspect="auto")
        for i in range(len(names)):
            for j in range(len(confusion.classes)):
                text = f"{counts[i, j]:,}\n{100 * share[i, j]:.1f} %"
                colour = "white" if share[i, j] > 0.5 else "black"
                axes.text(j, i, text, ha="center", va="center", color=colour, fontsize=8)
        axes.set_xticks(range(len(confusion.classes)), confusion.classes)
        axes.set_yticks(range(len(names)), names)
        axes.set_xlabel("found")
        axes.set_ylabel("reference")
        axes.set_title(title, fontsize=10)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None})
        pyplot.close(figure)
