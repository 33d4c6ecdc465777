"""Confusion matrices and the figures drawn from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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
