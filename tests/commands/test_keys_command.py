"""`ecg-monitor keys` and `--keys`: made, listed, allowed, revoked; secrets stay in their files."""

import contextlib
import json
import os
import stat

import pytest
from monitor_process import running

from monitor.cli import main
from monitor.errors import USAGE
from monitor.wire.access import load
from monitor.wire.keys import load_client, load_server

pytestmark = pytest.mark.slow

FREE = "tcp://127.0.0.1:*"


@pytest.fixture
def folders(tmp_path, capsys):
    server, client = tmp_path / "server", tmp_path / "client"
    assert main(["keys", "make", "server", "--keys", str(server)]) == 0
    assert main(["keys", "make", "client", "--keys", str(client)]) == 0
    (client / "server.key").write_bytes((server / "server.key").read_bytes())
    return server, client


def allow(server, client, name, *rights):
    options = [word for right in rights for word in ("--right", right)]
    key = str(client / "client.key")
    return main(["keys", "allow", name, key, *options, "--keys", str(server)])


def test_keys_are_made_listed_allowed_and_revoked(folders, capsys):
    server, client = folders
    keys = load_client(client)
    assert keys.server_public == load_server(server).public
    assert allow(server, client, "bed-7", "send") == 0
    assert allow(server, client, "bed-7", "send", "subscribe") == 0  # again: other rights
    (listed,) = load(server / "clients.toml").clients
    assert (listed.name, listed.public_key) == ("bed-7", keys.own.public)
    assert listed.rights == ("send", "subscribe")
    assert main(["keys", "list", "--keys", str(server)]) == 0
    assert main(["keys", "list", "--keys", str(client)]) == 0
    shown = capsys.readouterr().out
    assert "bed-7" in shown
    assert "send, subscribe" in shown
    assert main(["keys", "revoke", "bed-7", "--keys", str(server)]) == 0
    assert load(server / "clients.toml").clients == ()
    assert main(["keys", "revoke", "bed-7", "--keys", str(server)]) == USAGE
    shown += "".join(capsys.readouterr())
    for secret in (load_server(server).secret, keys.own.secret):
        assert secret.decode() not in shown
        assert secret.decode() not in repr(keys) + repr(load_server(server))


def test_only_the_owner_can_read_a_secret(folders):
    for folder, name in zip(folders, ("server", "client"), strict=True):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / f"{name}.key_secret").stat().st_mode) == 0o600
    assert stat.S_IMODE((folders[0] / "clients.toml").stat().st_mode) == 0o600
    names = sorted(path.name for path in folders[0].iterdir())
    assert names == ["clients.toml", "server.key", "server.key_secret"]


def test_mistakes_are_explained(folders, tmp_path, capsys):
    server, client = folders
    allow(server, client, "bed-7", "send")
    capsys.readouterr()
    key = str(client / "client.key")
    empty, text = tmp_path / "empty", tmp_path / "text"
    empty.mkdir()
    text.write_text("no key")
    for arguments, words in (
        (["make", "server", "--keys", str(server)], "holds a server key already"),
        (
            ["allow", "a b", str(server / "server.key"), "--right", "send", "--keys", str(server)],
            "needs a name",
        ),
        (["allow", "x", key, "--right", "send", "--keys", str(server)], "already, as bed-7"),
        (["allow", "x", "nothing", "--right", "send", "--keys", str(server)], "No such file"),
        (["allow", "x", str(text), "--right", "send", "--keys", str(server)], "no key in it"),
        (["allow", "x", key, "--right", "send", "--keys", str(client)], "is not there"),
        (["revoke", "bed-8", "--keys", str(server)], "there is: bed-7"),
        (["list", "--keys", str(empty)], "holds no keys"),
    ):
        assert main(["keys", *arguments]) == USAGE
        captured = capsys.readouterr()
        assert words in captured.err
        assert captured.err.count("\n") == 1
    assert len(load(server / "clients.toml").clients) == 1


@pytest.mark.parametrize(
    "command", [["watch", "--text"], ["alerts"], ["limits", "a"], ["demo", "--publish", FREE]]
)
def test_every_client_says_what_is_wrong_with_its_keys(command, tmp_path, capsys):
    assert main([*command, "--keys", str(tmp_path / "none")]) == USAGE
    assert "holds no client key; make it: ecg-monitor keys make client" in capsys.readouterr().err
    main(["keys", "make", "client", "--keys", str(tmp_path / "k")])
    capsys.readouterr()
    assert main([*command, "--keys", str(tmp_path / "k")]) == USAGE
    assert "server.key is not there: copy it" in capsys.readouterr().err
    os.chmod(tmp_path / "k" / "client.key_secret", 0o640)
    assert main([*command, "--keys", str(tmp_path / "k")]) == USAGE
    assert "can be read by others; do: chmod 600" in capsys.readouterr().err


def test_keys_and_doing_without_them_exclude_each_other(capsys):
    with pytest.raises(SystemExit):
        main(["serve", "--keys", "x", "--insecure"])
    assert "not allowed with argument" in capsys.readouterr().err


def test_all_commands_with_keys(folders):
    server, client = folders
    allow(server, client, "all", "send", "subscribe", "control")
    keys = ["--keys", str(client)]
    with contextlib.ExitStack() as stack:
        endpoints = ["--input", FREE, "--output", FREE, "--control", FREE]
        serve = stack.enter_context(running("serve", *endpoints, "--keys", str(server)))
        ready = serve.until("serve: ready").split()
        at = dict(word.split("=", 1) for word in ready if "=" in word)
        connect = ["--connect", at["output"]]
        stranger = stack.enter_context(running("watch", *connect, "--text"))
        alerts = stack.enter_context(running("alerts", *connect, *keys, "--count", "1"))
        alerts.until("connected")
        demo = stack.enter_context(
            running(
                "demo",
                "--scenario",
                "vt",
                "--once",
                "--publish",
                at["input"],
                "--speed",
                "max",
                *keys,
            )
        )
        demo.finish()
        assert json.loads(alerts.finish()[0])["type"] == "alert"
        stranger.finish(1)
        assert "it lets in known keys only; give yours with --keys DIR" in stranger.remarks[-1]
        sending = ["demo", "--stream", "lasting", "--publish", at["input"], *keys]
        sender = stack.enter_context(running(*sending))
        serve.until("stream lasting")
        assert main(["keys", "revoke", "all", "--keys", str(server)]) == 0
        serve.until("allow-list read: 0 client(s)")
        sender.finish(1)
        assert "the key is not in its allow-list" in sender.remarks[-1]
        assert "giving up" not in "".join(sender.remarks)  # it tried no longer to send the end
        refused = stack.enter_context(running("limits", "demo", "--control", at["control"], *keys))
        refused.finish(1)
        assert "the key is not in its allow-list" in refused.remarks[-1]
        serve.until("is not in the allow-list")


def test_a_token_is_told_once_and_kept_as_a_digest(tmp_path, capsys):
    from monitor.web.tokens import load

    folder = str(tmp_path)
    assert main(["keys", "token", "anna", "--right", "control", "--keys", folder]) == 0
    told = capsys.readouterr()
    token = told.out.strip()
    assert "subscribe, control" in told.err
    assert token not in told.err + (tmp_path / "tokens.toml").read_text()
    assert load(tmp_path / "tokens.toml").of_token(token).rights == ("subscribe", "control")
    assert main(["keys", "token", "anna", "--keys", folder]) == 0  # again: the old one ends
    assert load(tmp_path / "tokens.toml").of_token(token) is None
    assert main(["keys", "list", "--keys", folder]) == 0
    assert "anna" in capsys.readouterr().out
    assert main(["keys", "revoke", "ben", "--keys", folder]) == USAGE
    assert main(["keys", "revoke", "anna", "--keys", folder]) == 0
    assert load(tmp_path / "tokens.toml").people == ()


def test_revoking_a_name_takes_its_key_and_its_token(folders, capsys):
    from monitor.web.tokens import load as load_tokens

    server, client = folders
    allow(server, client, "desk", "subscribe")
    main(["keys", "token", "desk", "--keys", str(server)])
    assert main(["keys", "revoke", "desk", "--keys", str(server)]) == 0
    assert load(server / "clients.toml").clients == ()
    assert load_tokens(server / "tokens.toml").people == ()
