"""Unknown keys, keys without the right, revoked keys: refused, and the streams beside go on."""

import json
import shutil
from contextlib import ExitStack

import pytest
from fault_parts import analysis_alerts, events, kind_of
from monitor_process import running, serving

from monitor.cli import main

pytestmark = pytest.mark.slow

RIGHTS = {
    "sender": ("send",),
    "thief": ("send",),
    "nurse": ("subscribe", "control"),
    "reader": ("subscribe",),
}


@pytest.fixture
def keys(tmp_path):
    """Key folders by name; the stranger has keys of its own and is let in nowhere."""
    folders = {name: tmp_path / name for name in ("server", *RIGHTS, "stranger")}
    main(["keys", "make", "server", "--keys", str(folders["server"])])
    for name, folder in folders.items():
        if name == "server":
            continue
        main(["keys", "make", "client", "--keys", str(folder)])
        shutil.copy(folders["server"] / "server.key", folder)
        for right in [RIGHTS[name]] if name in RIGHTS else []:
            options = [word for each in right for word in ("--right", each)]
            key = str(folder / "client.key")
            main(["keys", "allow", name, key, *options, "--keys", str(folders["server"])])
    return {name: str(folder) for name, folder in folders.items()}


def demo(stream, *options):
    return ["demo", "--scenario", "tour", "--once", "--stream", stream, *options]


def test_strangers_are_refused_and_a_stream_goes_on(survey, tour, keys, capsys):
    _, expected = tour
    with serving("--json", "--keys", keys["server"]) as (serve, at), ExitStack() as stack:
        publish = ["--publish", at["input"], "--speed", "6"]
        good = stack.enter_context(running(*demo("tour", *publish, "--keys", keys["sender"])))
        serve.until_lines(lambda lines: len(events(lines, "tour", "beat")) > 10)
        control = ["--control", at["control"]]
        change = ["hr_high_bpm=100", *control]
        connect = ["--connect", at["output"], "--timeout", "20", "--count", "1"]
        refused = [
            demo("evil", *publish),
            demo("evil", *publish, "--keys", keys["stranger"]),
            demo("evil", *publish, "--keys", keys["reader"]),
            ["alerts", *connect],
            ["alerts", *connect, "--keys", keys["stranger"]],
            ["alerts", *connect, "--keys", keys["sender"]],
            ["limits", "tour", *change],
            ["limits", "tour", *change, "--keys", keys["stranger"]],
            ["limits", "tour", *change, "--keys", keys["reader"]],
            ["limits", "tour", *change, "--keys", keys["sender"]],
        ]
        strangers = [stack.enter_context(running(*command)) for command in refused]
        for stranger in strangers:
            assert not stranger.finish(1), stranger.remarks
        # one who may send, but not as somebody else
        thief = stack.enter_context(running(*demo("tour", *publish, "--keys", keys["thief"])))
        serve.until("another key")
        thief.kill()
        good.finish()
        serve.until_lines(lambda lines: events(lines, "tour", "end"))
        lines = list(serve.lines)
    assert not events(lines, "evil")
    assert not [e for e in map(json.loads, lines) if e["type"] == "limits"]
    survey.report(
        "wrong keys, missing rights, a stolen stream name",
        len(refused) + 1,
        len(strangers) + 1,
        expected,
        analysis_alerts(lines, "tour"),
    )


def test_a_revoked_key_is_cut_off_at_once_and_only_this_one(survey, tour, keys):
    _, expected = tour
    with serving("--json", "--keys", keys["server"]) as (serve, at), ExitStack() as stack:
        publish = ["--publish", at["input"], "--speed", "20"]
        stays = stack.enter_context(running(*demo("tour", *publish, "--keys", keys["sender"])))
        endless = ["demo", "--scenario", "tour", "--stream", "gone", *publish]
        goes = stack.enter_context(running(*endless, "--keys", keys["thief"]))
        serve.until_lines(
            lambda lines: all(len(events(lines, s, "beat")) > 10 for s in ("tour", "gone"))
        )
        assert main(["keys", "revoke", "thief", "--keys", keys["server"]]) == 0
        serve.until("allow-list read")
        serve.until("is not in the allow-list")
        goes.finish(1)
        assert "refused by the service" in goes.remarks[-1]
        stays.finish()
        serve.until_lines(lambda lines: events(lines, "tour", "end"))
        lines = list(serve.lines)
    assert not events(lines, "gone", "end")  # it was not let in again, not even to say that
    got = [kind_of(line) for line in analysis_alerts(lines, "tour")]
    survey.report(
        "a key is revoked while it sends", 1, 1, [kind_of(line) for line in expected], got
    )
