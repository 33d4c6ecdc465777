"""Which patients have reference beats that networks may learn from or be measured on.

DS1 of the MIT-BIH Arrhythmia Database and the MIT-BIH Supraventricular Arrhythmia Database; DS2
is for the last measurement alone. A patient is named by database and record, ``svdb/800``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tools.data.beats import DS1

DATABASES = ("mitdb", "svdb")


def patients(folder: Path, databases: Sequence[str] = DATABASES) -> list[str]:
    """Name the patients at hand of some databases, those of MIT-BIH from DS1 alone."""
    found = []
    for database in databases:
        records = sorted(path.stem for path in (folder / database).glob("*.hea"))
        if database == "mitdb":
            records = [record for record in records if record in DS1]
        found += [f"{database}/{record}" for record in records]
    return found
