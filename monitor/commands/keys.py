"""``ecg-monitor keys``: make keys, and choose which clients may do what."""

from __future__ import annotations

import argparse
from pathlib import Path

from monitor.errors import USAGE, MonitorError

SUMMARY = "Make keys, and say which clients a server lets in and what each may do."
EXAMPLE = (
    "  ecg-monitor keys make server --keys /etc/ecg-monitor      # once, at the server\n"
    "  ecg-monitor keys make client --keys ~/ecg-keys            # at the client; then exchange\n"
    "  ecg-monitor keys allow bed-7 client.key --right send --keys /etc/ecg-monitor\n"
    "  ecg-monitor keys revoke bed-7 --keys /etc/ecg-monitor"
)
RIGHTS = ("send", "subscribe", "control", "discharge")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    make = actions.add_parser("make", help="make the key pair of a server or of a client")
    make.add_argument("whose", choices=("server", "client"))
    listed = actions.add_parser("list", help="list the keys there and the clients let in")
    allow = actions.add_parser("allow", help="let a client in")
    allow.add_argument("name", help="letters, digits, '-' and '_'")
    allow.add_argument("key", help="its client.key, or the 40 characters of the public key")
    allow.add_argument(
        "--right",
        action="append",
        choices=RIGHTS,
        required=True,
        help="what it may do: send samples, subscribe to results, control (acknowledge alerts, "
        "change limits), discharge streams; may be given several times",
    )
    revoke = actions.add_parser("revoke", help="let a client in no more; a running server cuts it")
    revoke.add_argument("name")
    for action in (make, listed, allow, revoke):
        action.add_argument(
            "--keys", type=Path, required=True, metavar="DIR", help="folder of the keys"
        )


def run(args: argparse.Namespace) -> int:
    """Run the subcommand."""
    if args.action == "make":
        _make(args.keys, args.whose)
    elif args.action == "allow":
        _allow(args.keys, args.name, args.key, tuple(dict.fromkeys(args.right)))
    elif args.action == "revoke":
        _revoke(args.keys, args.name)
    else:
        _list(args.keys)
    return 0


def _make(folder: Path, whose: str) -> None:
    from monitor.wire.access import AllowList, save
    from monitor.wire.keys import ALLOW_LIST, fingerprint, make_pair

    public = make_pair(folder, whose)
    print(f"made {folder / whose}.key_secret: keep it here, give it to nobody")  # noqa: T201
    if whose == "server":
        if not (folder / ALLOW_LIST).exists():
            save(AllowList(), folder / ALLOW_LIST)
        print(f"made {folder / whose}.key: copy it to the key folder of every client")  # noqa: T201
    else:
        print(  # noqa: T201
            f"made {folder / whose}.key: let it in at the server with\n"
            f"  ecg-monitor keys allow NAME client.key --right {'|'.join(RIGHTS)} --keys DIR"
        )
    print(f"public key {public}, fingerprint {fingerprint(public)}")  # noqa: T201


def _allow(folder: Path, name: str, key: str, rights: tuple[str, ...]) -> None:
    from monitor.wire.access import AllowList, Client, load, save
    from monitor.wire.keys import ALLOW_LIST, fingerprint, is_public_key, read_public

    path = folder / ALLOW_LIST
    allowed = load(path)
    public = key if is_public_key(key) else read_public(Path(key))
    other = allowed.name_of(public)
    if other not in (None, name):
        raise MonitorError(f"this key is let in already, as {other}", USAGE)
    # the same name again: another key, or other rights
    kept = [client for client in allowed.clients if client.name != name]
    save(AllowList((*kept, Client(name, public, rights))), path)
    print(f"{name} may {', '.join(rights)}; fingerprint {fingerprint(public)}")  # noqa: T201


def _revoke(folder: Path, name: str) -> None:
    from monitor.wire.access import AllowList, load, save
    from monitor.wire.keys import ALLOW_LIST

    path = folder / ALLOW_LIST
    allowed = load(path)
    kept = tuple(client for client in allowed.clients if client.name != name)
    if len(kept) == len(allowed.clients):
        names = ", ".join(client.name for client in allowed.clients) or "nobody"
        raise MonitorError(f"no client {name!r} is let in; there is: {names}", USAGE)
    save(AllowList(kept), path)
    print(f"{name} is let in no more")  # noqa: T201


def _list(folder: Path) -> None:
    from monitor.wire.access import load
    from monitor.wire.keys import ALLOW_LIST, CLIENT, SERVER, fingerprint, read_public

    found = False
    for whose in (SERVER, CLIENT):
        if (folder / f"{whose}.key").exists():
            found = True
            public = read_public(folder / f"{whose}.key")
            secret = "" if (folder / f"{whose}.key_secret").exists() else " (public key only)"
            print(f"{whose:<20} {fingerprint(public)}  {public}{secret}")  # noqa: T201
    if (folder / ALLOW_LIST).exists():
        found = True
        for client in load(folder / ALLOW_LIST).clients:
            print(  # noqa: T201
                f"{client.name:<20} {fingerprint(client.public_key)}  {client.public_key}  "
                f"{', '.join(client.rights)}"
            )
    if not found:
        raise MonitorError(f"{folder} holds no keys; see `ecg-monitor keys make`", USAGE)
