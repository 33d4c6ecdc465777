"""``ecg-monitor keys``: make keys and tokens, and choose who may do what."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from monitor.errors import USAGE, MonitorError

SUMMARY = "Make keys, and say which clients a server lets in and what each may do."
EXAMPLE = (
    "  ecg-monitor keys make server --keys /etc/ecg-monitor      # once, at the server\n"
    "  ecg-monitor keys make client --keys ~/ecg-keys            # at the client; then exchange\n"
    "  ecg-monitor keys allow bed-7 client.key --right send --keys /etc/ecg-monitor\n"
    "  ecg-monitor keys token anna --right control --keys /etc/ecg-monitor  # for browsers\n"
    "  ecg-monitor keys revoke bed-7 --keys /etc/ecg-monitor"
)
RIGHTS = ("send", "subscribe", "control", "discharge")
TOKEN_RIGHTS = RIGHTS[1:]


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
    token = actions.add_parser("token", help="make a token with which a person uses a browser")
    token.add_argument("name", help="letters, digits, '-' and '_'; the old token of it ends")
    token.add_argument(
        "--right",
        action="append",
        choices=TOKEN_RIGHTS,
        default=["subscribe"],
        help="what the person may do beside looking; may be given several times",
    )
    revoke = actions.add_parser(
        "revoke", help="let a client or a person in no more; a running server cuts them"
    )
    revoke.add_argument("name")
    for action in (make, listed, allow, token, revoke):
        action.add_argument(
            "--keys", type=Path, required=True, metavar="DIR", help="folder of the keys"
        )


def run(args: argparse.Namespace) -> int:
    """Run the subcommand."""
    if args.action == "make":
        _make(args.keys, args.whose)
    elif args.action == "allow":
        _allow(args.keys, args.name, args.key, tuple(dict.fromkeys(args.right)))
    elif args.action == "token":
        _token(args.keys, args.name, tuple(dict.fromkeys(args.right)))
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


def _token(folder: Path, name: str, rights: tuple[str, ...]) -> None:
    from monitor.web.tokens import TOKENS, Person, TokenList, digest_of, load, new_token, save

    path = folder / TOKENS
    tokens = load(path) if path.exists() else TokenList()
    token = new_token()
    kept = [person for person in tokens.people if person.name != name]
    save(TokenList((*kept, Person(name, digest_of(token), rights))), path)
    print(token)  # noqa: T201
    print(  # noqa: T201
        f"{name} may {', '.join(rights)}. The token is kept nowhere: give it to {name} now. "
        f"It holds where the station is started with --web-tokens {path}",
        file=sys.stderr,
    )


def _revoke(folder: Path, name: str) -> None:
    from monitor.web.tokens import TOKENS, TokenList
    from monitor.web.tokens import load as load_tokens
    from monitor.web.tokens import save as save_tokens
    from monitor.wire.access import AllowList, load, save
    from monitor.wire.keys import ALLOW_LIST

    clients, people = folder / ALLOW_LIST, folder / TOKENS
    allowed = load(clients) if clients.exists() or not people.exists() else AllowList()
    tokens = load_tokens(people) if people.exists() else TokenList()
    names = [*(c.name for c in allowed.clients), *(p.name for p in tokens.people)]
    if name not in names:
        there = ", ".join(names) or "nobody"
        raise MonitorError(f"no client {name!r} is let in; there is: {there}", USAGE)
    # both lists, so that nobody of this name is left
    if any(client.name == name for client in allowed.clients):
        save(AllowList(tuple(c for c in allowed.clients if c.name != name)), clients)
    if any(person.name == name for person in tokens.people):
        save_tokens(TokenList(tuple(p for p in tokens.people if p.name != name)), people)
    print(f"{name} is let in no more")  # noqa: T201


def _list(folder: Path) -> None:
    from monitor.web.tokens import TOKENS
    from monitor.web.tokens import load as load_tokens
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
    if (folder / TOKENS).exists():
        found = True
        for person in load_tokens(folder / TOKENS).people:
            print(f"{person.name:<20} token  {', '.join(person.rights)}")  # noqa: T201
    if not found:
        raise MonitorError(f"{folder} holds no keys; see `ecg-monitor keys make`", USAGE)
