"""The zip archive of a TorchScript file, read strictly and written anew.

What is checked is what torch gets: torch never sees the file itself, but an archive that is
written here from the entries that were read here. So two readers cannot see two things.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from pathlib import Path

from monitor.errors import MonitorError

MAX_BYTES = 64 * 2**20
MAX_ENTRIES = 10_000
MANIFEST = "extra/manifest.json"
WEIGHTS = "extra/weights.safetensors"
_LAYOUT = re.compile(
    r"version|byteorder|data\.pkl|constants\.pkl|\.data/\w+|\.format_version"
    r"|\.storage_alignment|(?:data|constants)/\d+|extra/[\w./-]+"
    r"|code/(?:\w+/)*\w+\.py(?:\.debug_pkl)?",
    re.ASCII,
)
_LEFT_OUT = re.compile(
    r".*\.debug_pkl|\.data/serialization_id|\.format_version|\.storage_alignment"
)


def read_archive(content: bytes, path: Path) -> dict[str, bytes]:
    """Give the entries of a TorchScript file, by their names within its one folder.

    What only tells where the file was made (paths of the source, an id) is left out.

    Raises
    ------
    MonitorError
        If it is no such archive, is damaged, or has an entry that such an archive has not.
    """
    entries: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
            if len(infos) > MAX_ENTRIES or sum(i.file_size for i in infos) > 4 * MAX_BYTES:
                raise MonitorError(f"model {path} unpacks to too much; not a bundle")
            seen: set[str] = set()
            folders = {info.filename.partition("/")[0] for info in infos}
            for info in infos:
                name = info.filename.partition("/")[2]
                if name.casefold() in seen:
                    raise MonitorError(f"model {path} holds {info.filename!r} twice; refused")
                seen.add(name.casefold())
                if len(folders) != 1 or not _LAYOUT.fullmatch(name):
                    raise MonitorError(
                        f"model {path} holds {info.filename!r}, which is no part of a "
                        "TorchScript file; refused"
                    )
                if not _LEFT_OUT.fullmatch(name):
                    entries[name] = archive.read(info)
    except (
        *(zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError),
        *(UnicodeDecodeError, ValueError),
    ) as error:
        raise MonitorError(f"model {path} is not a TorchScript file, or is damaged") from error
    if not any(name.startswith("code/") for name in entries):
        raise MonitorError(
            f"model {path} holds no TorchScript code (saved by torch.save?); "
            "save it with torch.jit.save"
        )
    return entries


def write_archive(entries: dict[str, bytes]) -> bytes:
    """Give a TorchScript file with these entries; equal entries give equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, part in entries.items():
            archive.writestr(zipfile.ZipInfo(f"archive/{name}"), part)
    return buffer.getvalue()
