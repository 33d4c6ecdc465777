"""Keys, the allow-list and the log of refusals by themselves, without sockets."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zmq.utils import z85

from monitor.errors import MonitorError
from monitor.wire.access import AllowList, Client, Right, dumps, load, parse, save
from monitor.wire.keys import is_public_key
from monitor.wire.refusals import MAX_CAUSES, PERIOD_S, Refusals

public_keys = st.binary(min_size=32, max_size=32).map(lambda raw: z85.encode(raw).decode())
clients = st.builds(
    Client,
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", fullmatch=True),
    public_keys,
    st.lists(st.sampled_from([str(r) for r in Right]), min_size=1, unique=True).map(tuple),
)
lists = st.lists(
    clients, max_size=5, unique_by=(lambda client: client.name, lambda client: client.public_key)
).map(lambda listed: AllowList(tuple(listed)))


@pytest.mark.slow
@given(lists)
def test_a_list_that_is_written_is_read_as_it_was(allowed):
    assert parse(dumps(allowed)) == allowed


@pytest.mark.slow
@given(lists.filter(lambda allowed: allowed.clients), st.data())
def test_a_list_that_is_damaged_lets_in_nobody_new(allowed, data):
    """Accepted or refused with the one error; a key that was not listed never comes in."""
    text = dumps(allowed)
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start, min(len(text), start + 60)))
    try:
        damaged = parse(text[:start] + text[end:])
    except MonitorError:
        return
    assert set(damaged.rights) <= set(allowed.rights)


@pytest.mark.slow
@given(st.text(max_size=60))
def test_any_text_is_a_key_or_none(text):
    if is_public_key(text):
        assert z85.encode(z85.decode(text)).decode() == text


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "names no clients"),
        ("clients = 1", "must be a list"),
        ("clients = [1]", "must be a table"),
        ("[[clients]]", "needs a name"),
        ("[[clients]]\nname = 'a b'", "needs a name"),
        ("[[clients]]\nname = 'a'", "public_key must be the 40 characters"),
        ("[[clients]]\nname = 'a'\npublic_key = 5", "must be of type str"),
        ("[[clients]]\nname = 'a'\nkey = ''", "is not known"),
        ("[[client]]\nname = 'a'", "is not known"),
        (f"[[clients]]\nname = 'a'\npublic_key = '{'0' * 40}'", "rights must be some of send"),
        (
            f"[[clients]]\nname = 'a'\npublic_key = '{'0' * 40}'\nrights = ['admin']",
            "rights must be some of send",
        ),
        (f"[[clients]]\nname = 'a'\npublic_key = '{'#' * 40}'\nrights = ['send']", "public_key"),
        ("clients = [", "not valid TOML"),
        ("a = " + "[" * 5000, "not valid TOML"),
        ("clients = [0x" + "f" * 5000 + "]", "must be a table"),
    ],
)
def test_what_is_wrong_with_a_list_is_said(text, match):
    with pytest.raises(MonitorError, match=match) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("what", ["name", "public key"])
def test_neither_a_name_nor_a_key_may_come_twice(what):
    one = Client("a", "0" * 40, ("send",))
    other = Client("a", "1" * 40, ("send",)) if what == "name" else Client("b", "0" * 40, ("send",))
    with pytest.raises(MonitorError, match=f"the {what} .* comes twice"):
        AllowList((one, other))


def test_a_list_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "new" / "clients.toml"
    for name in ("a", "b"):
        save(AllowList((Client(name, "0" * 40, ("send",)),)), path)
        assert [client.name for client in load(path).clients] == [name]
    assert [file.name for file in path.parent.iterdir()] == ["clients.toml"]


def test_a_cause_is_told_at_once_and_then_once_a_minute():
    said = []
    refusals = Refusals(said.append)
    for second in range(150):
        refusals.note("a", second)
        refusals.note("a", second)
        refusals.tick(second)
    assert said == ["refused a", "refused a (121 more times)", "refused a (120 more times)"]
    refusals.tick(150 + 2 * PERIOD_S)
    refusals.tick(150 + 4 * PERIOD_S)
    refusals.note("a", 400)
    assert said[-1] == "refused a"
    assert refusals.count == 301


def test_made_up_causes_fill_neither_log_nor_memory():
    said = []
    refusals = Refusals(said.append)
    draw = random.Random(0)
    for number in range(100_000):
        refusals.note(f"key {draw.randbytes(8).hex()}", number / 10_000)
    assert len(said) == MAX_CAUSES + 1
    assert refusals.count == 100_000
