"""The lowest versions that ``pyproject.toml`` lets in, as constraints for pip.

    python tools/lowest.py 2.13.0    # with this torch

For the program and its extras for users; the tools of the tests may have any version.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

NOT_FOR_USERS = frozenset({"bench", "dev", "fuzz"})


def lowest(project: dict[str, Any], torch: str) -> Iterator[str]:
    """Give ``name==version`` of each package that has a lower bound."""
    extras = project["optional-dependencies"]
    users = [need for name, needs in extras.items() if name not in NOT_FOR_USERS for need in needs]
    for text in [*project["dependencies"], *users]:
        need = Requirement(text)
        low = [part.version for part in need.specifier if part.operator == ">="]
        if low:
            name = canonicalize_name(need.name)
            yield f"{name}=={torch if name == 'torch' else low[0]}"


if __name__ == "__main__":
    pyproject = Path(__file__).resolve().parent.parent / "pyproject.toml"
    with pyproject.open("rb") as file:
        print("\n".join(lowest(tomllib.load(file)["project"], sys.argv[1])))
