"""Lets the analyses of many streams share one run of a network.

Such an analysis is a generator: it yields the inputs of the network, is sent the answer, and
returns its result. :func:`run_alone` drives one to its end, :func:`run_together` many of them. The
results are the same, since the answer to each does not depend on the others
(:class:`monitor.stages.classify.BeatNetwork`).
"""

from __future__ import annotations

from collections.abc import Generator, Hashable, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

T = TypeVar("T")


class Network(Hashable, Protocol):
    """Runs on many inputs at once; the answer to one does not depend on the others."""

    def __call__(self, inputs: Sequence[Any]) -> list[Any]:
        """Give the answer to each of ``inputs``, in order."""
        ...


class Inputs(Protocol):
    """Inputs of a network."""

    @property
    def network(self) -> Network:
        """The network."""
        ...


Steps: TypeAlias = Generator[Inputs, Any, T]
"""Yields inputs, is sent the answer of their network, and returns the result."""


def run_alone(steps: Steps[T]) -> T:
    """Run one analysis to its end."""
    return run_together([steps])[0]


def run_together(many: Sequence[Steps[T]]) -> list[T]:
    """Run independent analyses to their ends; give their results.

    A network that fails on all its inputs together is asked again for each alone, and the error
    is raised inside the analysis that it concerns.
    """
    results: dict[int, T] = {}
    waiting: dict[int, Inputs] = {}

    def go_on(index: int, said: Any, error: Exception | None = None) -> None:
        steps = many[index]
        try:
            waiting[index] = steps.send(said) if error is None else steps.throw(error)
        except StopIteration as stop:
            results[index] = stop.value

    for index in range(len(many)):
        go_on(index, None)
    while waiting:
        asked, waiting = waiting, {}
        by_network: dict[Network, list[int]] = {}
        for index, inputs in asked.items():
            by_network.setdefault(inputs.network, []).append(index)
        for network, indices in by_network.items():
            try:
                answers = network([asked[index] for index in indices])
            except Exception:
                for index in indices:
                    try:
                        answer = network([asked[index]])[0]
                    except Exception as error:
                        go_on(index, None, error)
                    else:
                        go_on(index, answer)
            else:
                for index, answer in zip(indices, answers, strict=True):
                    go_on(index, answer)
    return [results[index] for index in range(len(many))]
