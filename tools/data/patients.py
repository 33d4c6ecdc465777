"""Which patients have reference beats that networks may learn from or be measured on.

DS1 of the MIT-BIH Arrhythmia Database and the MIT-BIH Supraventricular Arrhythmia Database; DS2
is for the last measurement alone. A patient is named by database and record, ``svdb/800``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tools.data.beats import DS1

DATABASES = ("mitdb", "svdb")
TITLES = {
    "mitdb": "MIT-BIH Arrhythmia Database DS1",
    "svdb": "MIT-BIH Supraventricular Arrhythmia Database",
}


def patients(folder: Path, databases: Sequence[str] = DATABASES) -> list[str]:
    """Name the patients at hand of some databases, those of MIT-BIH from DS1 alone."""
    found = []
    for database in databases:
        records = sorted(path.stem for path in (folder / database).glob("*.hea"))
        if database == "mitdb":
            records = [record for record in records if record in DS1]
        found += [f"{database}/{record}" for record in records]
    return found


def described(names: Sequence[str]) -> str:
    """Say in words which patients a network was trained on."""
    counts = {d: sum(name.startswith(f"{d}/") for name in names) for d in TITLES}
    parts = ", ".join(f"{TITLES[d]} ({count} records)" for d, count in counts.items() if count)
    return f"{parts}; ODC-By 1.0"
