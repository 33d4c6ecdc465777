"""Who may use the central station: tokens, their file, sessions."""

import pytest

from monitor.errors import MonitorError
from monitor.web import sessions as sessions_module
from monitor.web.access import WebAccess
from monitor.web.guard import HEADERS, cookie_header, host_refused, origin_refused
from monitor.web.server import Listening
from monitor.web.sessions import LASTS_S, Sessions
from monitor.web.tokens import Person, TokenList, digest_of, dumps, load, new_token, save


class Clock:
    now_s = 100.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def tokens(tmp_path):
    path = tmp_path / "tokens.toml"
    people = (
        Person("anna", digest_of("anna's"), ("subscribe", "control")),
        Person("ben", digest_of("ben's"), ("subscribe",)),
    )
    save(TokenList(people), path)
    return path


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def access(tokens, clock):
    said = []
    access = WebAccess(tokens, said.append, clock)
    access.said = said
    return access


def test_the_file_is_read_as_it_was_written(tokens):
    assert load(tokens).of_token("anna's").name == "anna"
    assert load(tokens).of_token("carl's") is None
    assert tokens.stat().st_mode & 0o777 == 0o600
    assert "anna's" not in tokens.read_text()
    assert dumps(load(tokens)) == tokens.read_text()


def test_tokens_are_long_and_never_the_same():
    made = {new_token() for _ in range(100)}
    assert len(made) == 100
    assert all(len(token) >= 43 for token in made)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names no people"),
        ("people = 3", "must be a list"),
        ('[[people]]\nname = "a b"', "every person needs a name"),
        ('[[people]]\nname = "a"\ntoken_sha256 = "00"', "64 hexadecimal digits"),
        (f'[[people]]\nname = "a"\ntoken_sha256 = "{"0" * 64}"\nrights = ["send"]', "rights"),
        (f'[[people]]\nname = "a"\ntoken_sha256 = "{"0" * 64}"\nrights = []', "rights"),
        ('[[people]]\nnam = "a"', "is not known"),
        ("[[people", "cannot be read"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_one_line(tmp_path, text, said):
    path = tmp_path / "tokens.toml"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(MonitorError, match=said) as refused:
        load(path)
    assert "\n" not in str(refused.value)
    assert str(path) in str(refused.value)


def test_a_file_that_others_can_read_is_refused(tokens):
    tokens.chmod(0o644)
    with pytest.raises(MonitorError, match="can be read by others"):
        load(tokens)


def test_a_file_that_is_not_there_is_named_with_the_remedy(tmp_path):
    with pytest.raises(MonitorError, match="ecg-monitor keys token"):
        load(tmp_path / "tokens.toml")


def test_two_people_do_not_share_a_token():
    one = Person("anna", digest_of("x"), ("subscribe",))
    with pytest.raises(MonitorError, match="comes twice"):
        TokenList((one, Person("ben", digest_of("x"), ("subscribe",))))


def test_a_token_gives_its_rights(access):
    cookie, visitor = access.enter("anna's")
    assert visitor.name == "anna"
    assert access.visitor(cookie).rights == {"subscribe", "control"}
    assert access.visitor("another") is None
    assert access.enter("nobody's") is None
    assert any("refused" in line for line in access.said)
    assert not any("nobody's" in line for line in access.said)


def test_who_is_taken_off_the_list_is_out_within_a_second(access, tokens, clock):
    cookie, _ = access.enter("anna's")
    save(TokenList((Person("ben", digest_of("ben's"), ("subscribe",)),)), tokens)
    clock.now_s += 1.0
    assert access.visitor(cookie) is None
    assert access.enter("anna's") is None


def test_a_new_token_under_the_same_name_ends_the_old_session(access, tokens, clock):
    cookie, _ = access.enter("anna's")
    save(TokenList((Person("anna", digest_of("new"), ("subscribe", "control")),)), tokens)
    clock.now_s += 1.0
    assert access.visitor(cookie) is None
    assert access.enter("new") is not None


def test_a_list_that_became_wrong_changes_nothing(access, tokens, clock):
    cookie, _ = access.enter("anna's")
    tokens.write_text("people = 1")
    clock.now_s += 1.0
    assert access.visitor(cookie) is not None
    assert any("stays in force" in line for line in access.said)


def test_sessions_end_by_time_and_by_leaving(access, clock):
    cookie, _ = access.enter("anna's")
    access.leave(cookie)
    assert access.visitor(cookie) is None
    cookie, _ = access.enter("anna's")
    clock.now_s += LASTS_S
    assert access.visitor(cookie) is None


def test_many_logins_that_fail_must_wait(access, clock):
    for _ in range(10):
        assert access.enter("guess") is None
    with pytest.raises(MonitorError, match="wait"):
        access.enter("anna's")
    clock.now_s += 10.0
    assert access.enter("anna's") is not None


def test_sessions_are_bounded(monkeypatch):
    monkeypatch.setattr(sessions_module, "MAX_SESSIONS", 3)
    secrets = iter(map(str, range(100)))
    sessions = Sessions(lambda: next(secrets))
    names = [sessions.open("anna", "", 0.0)[0] for _ in range(5)]
    held = [name for name in names if sessions.find(name, 1.0)]
    assert held == names[2:]


def test_without_tokens_whoever_reaches_the_station_has_all_rights():
    access = WebAccess(None, lambda line: None)
    assert not access.login
    assert access.visitor("").rights == {"subscribe", "control", "discharge"}


@pytest.mark.parametrize(
    ("host", "refused"),
    [
        ("127.0.0.1:8000", False),
        ("localhost", False),
        ("[::1]:8000", False),
        ("evil.example:8000", True),
        ("127.0.0.1.evil.example", True),
        ("", True),
    ],
)
def test_names_that_point_here(host, refused):
    assert host_refused(host, login=False) is refused


def test_origins():
    assert not origin_refused("https://desk:8443", "desk:8443", tls=True)
    assert origin_refused("http://desk:8443", "desk:8443", tls=True)
    assert origin_refused(None, "localhost", tls=False)
    assert origin_refused("null", "localhost", tls=False)


def test_the_cookie_is_kept_from_scripts_and_other_sites():
    header = cookie_header("abc", tls=True)
    assert {"HttpOnly", "SameSite=Strict", "Secure"} <= set(header.split("; "))
    assert "Max-Age=0" in cookie_header("", tls=False)


def test_the_policy_lets_nothing_in_from_elsewhere():
    policy = HEADERS["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize(
    ("listening", "said"),
    [
        (Listening("0.0.0.0:80"), "can be reached from other machines"),
        (Listening("[::]:80"), "can be reached from other machines"),
        (Listening("ward.example:80"), "can be reached from other machines"),
        (Listening("eighty"), "is not an address"),
        (Listening("80", cert="c.pem"), "must be given together"),
        (Listening("80", cert="none/c.pem", key="none/k.pem"), "cannot be read"),
    ],
)
def test_an_address_that_is_not_safe_is_refused(listening, said):
    with pytest.raises(MonitorError, match=said):
        listening.checked()


def test_beyond_this_machine_only_with_tls_and_a_login(tmp_path, tokens):
    pem = tmp_path / "file.pem"
    pem.touch()
    for one in (Listening("0.0.0.0:80", pem, pem), Listening("0.0.0.0:80", tokens=tokens)):
        with pytest.raises(MonitorError, match="web-tokens"):
            one.checked()
    assert Listening("0.0.0.0:80", pem, pem, tokens).checked() == ("0.0.0.0", 80)
