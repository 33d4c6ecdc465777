"""Write a bundle that is shipped, and its hash."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from torch import nn

from monitor.models import shipped
from monitor.models.bundle import FOLDER, save_bundle
from monitor.models.manifest import Manifest


def ship(net: nn.Module, manifest: Manifest) -> None:
    """Write the bundle and its hash."""
    write_hash(manifest.name, save_bundle(net, manifest, FOLDER / f"{manifest.name}.pt"))
    print(f"shipped {manifest.name}.pt")


def write_hash(name: str, sha256: str) -> None:
    """Write the hash of a shipped bundle."""
    hashes = shipped.SHIPPED | {name: sha256}
    path = FOLDER / "shipped.py"
    head = path.read_text(encoding="utf-8").split("SHIPPED:")[0]
    rows = "".join(f'    "{k}": "{v}",\n' for k, v in sorted(hashes.items()))
    path.write_text(f"{head}SHIPPED: dict[str, str] = {{\n{rows}}}\n", encoding="utf-8")


def at_least(low: int) -> Callable[[str], int]:
    """Give what reads the whole number of an option."""

    def number(text: str) -> int:
        value = int(text)
        if value < low:
            raise argparse.ArgumentTypeError(f"{value} is less than {low}")
        return value

    return number
