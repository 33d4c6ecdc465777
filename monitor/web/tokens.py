"""People who may use the central station: a name, the digest of a token, rights; strict TOML.

::

    [[people]]
    name = "anna"
    token_sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    rights = ["subscribe", "control"]    # as of the keys: subscribe | control | discharge

A token is 256 random bits, so its plain digest cannot be searched. The file holds no token.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import tomllib
from dataclasses import dataclass
from pathlib import Path

from monitor.errors import USAGE, MonitorError
from monitor.strict_toml import build
from monitor.text_file import read_text_file, write_private
from monitor.wire.access import Right
from monitor.wire.keys import check_private

TOKENS = "tokens.toml"
RIGHTS = (Right.SUBSCRIBE, Right.CONTROL, Right.DISCHARGE)
MAX_PEOPLE = 10_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}")

HEADER = """\
# People who may use the central station. Written by `ecg-monitor keys token` and `keys revoke`,
# which do not keep comments; may be edited. A running station takes a change over within a second.
"""


@dataclass(frozen=True, slots=True)
class Person:
    """One person of the list.

    Raises
    ------
    MonitorError
        If a field is missing or not valid.
    """

    name: str = ""
    token_sha256: str = ""
    rights: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise MonitorError(
                "every person needs a name: letters, digits, '-' and '_', at most 64", USAGE
            )
        if not _DIGEST.fullmatch(self.token_sha256):
            raise MonitorError(
                f"person {self.name}: token_sha256 must be 64 hexadecimal digits", USAGE
            )
        known = [right.value for right in RIGHTS]
        if "subscribe" not in self.rights or not set(self.rights) <= set(known):
            raise MonitorError(
                f"person {self.name}: rights must be subscribe, and may be some of "
                f"{', '.join(known[1:])}",
                USAGE,
            )


@dataclass(frozen=True, slots=True)
class TokenList:
    """All people who may log in.

    Raises
    ------
    MonitorError
        If two share a name or a token.
    """

    people: tuple[Person, ...] = ()

    def __post_init__(self) -> None:
        if len(self.people) > MAX_PEOPLE:
            raise MonitorError(f"{len(self.people)} people are over the limit of {MAX_PEOPLE}")
        for what in ("name", "token_sha256"):
            values = [getattr(person, what) for person in self.people]
            twice = next((value for value in values if values.count(value) > 1), None)
            if twice is not None:
                raise MonitorError(f"the {what} {twice} comes twice", USAGE)

    def of_token(self, token: str) -> Person | None:
        """Give the person with this token."""
        digest = digest_of(token)
        return next(
            (p for p in self.people if secrets.compare_digest(p.token_sha256, digest)), None
        )

    def rights_of(self, name: str, digest: str) -> frozenset[str]:
        """Give the present rights of who logged in as ``name`` with a token of this digest."""
        for person in self.people:
            if person.name == name and person.token_sha256 == digest:
                return frozenset(person.rights)
        return frozenset()


def new_token() -> str:
    """Make a token of 256 random bits."""
    return secrets.token_urlsafe(32)


def digest_of(token: str) -> str:
    """Give the digest under which a token is kept."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def load(path: Path) -> TokenList:
    """Read the file.

    Raises
    ------
    MonitorError
        If it is missing, unreadable or not valid, or if others may read or write it.
    """
    try:
        check_private(path, 0o077, "read")
        table = tomllib.loads(read_text_file(path))
        if "people" not in table:  # a half-written file must not lock everybody out
            raise MonitorError("names no people; to let nobody in write: people = []", USAGE)
        return build(TokenList, table, "")
    except FileNotFoundError as error:
        raise MonitorError(
            f"{path} is not there; make a token: ecg-monitor keys token NAME --right subscribe "
            f"--keys {path.parent}",
            USAGE,
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise MonitorError(f"tokens {path} cannot be read: {reason:.200}", USAGE) from error
    except MonitorError as error:
        raise MonitorError(f"tokens {path}: {error}", USAGE) from error


def dumps(tokens: TokenList) -> str:
    """Give a list as TOML. Names and digests need no escapes."""
    text = HEADER if tokens.people else HEADER + "people = []\n"
    for person in tokens.people:
        rights = ", ".join(f'"{right}"' for right in person.rights)
        text += (
            f'\n[[people]]\nname = "{person.name}"\n'
            f'token_sha256 = "{person.token_sha256}"\nrights = [{rights}]\n'
        )
    return text


def save(tokens: TokenList, path: Path) -> None:
    """Write the file: see :func:`~monitor.text_file.write_private`."""
    write_private(path, dumps(tokens))
