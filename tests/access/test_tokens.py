"""Tokens: shown once, kept as a mark, refused alike, and noted without filling the log."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from triage.access.tokens import NOT_SIGNED_IN
from triage.domain import Actor, AuditFilter, Role, Token, utc_now
from triage.errors import Conflict, InvalidInput, NotAllowed, NotFound, NotSignedIn
from triage.services import Services, open_services
from triage.settings import Settings

ADMIN = Actor(name="ada", role=Role.ADMIN)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Services]:
    settings = Settings(_env_file=None, data_dir=tmp_path / "data", sample_records=False)
    opened = open_services(settings, kind="test", own=False)
    yield opened
    opened.close()


def told(desk: Services) -> list[tuple[str, str]]:
    """The entries of the audit log on tokens, oldest first: action and who."""
    found = desk.audit.list(AuditFilter(subject_kinds=("token",)), actor=ADMIN, limit=500)
    return [(entry.action, entry.actor) for entry in reversed(found)]


def make(desk: Services, name: str = "crm", **given: object) -> tuple[Token, str]:
    return desk.tokens.create(name=name, role=Role.REVIEWER, actor=ADMIN, **given)  # type: ignore[arg-type]


def test_a_token_signs_in_as_its_role_team_and_scopes(desk: Services) -> None:
    token, secret = make(desk, scopes=["runs:read", "approvals:decide"], team="billing")
    who = desk.tokens.authenticate(secret)
    assert (who.name, who.role, who.team, who.kind) == ("token:crm", Role.REVIEWER, "billing", "program")
    assert who.scopes == {"runs:read", "approvals:decide"}
    assert secret == f"tri_{token.id.removeprefix('tok_')}_{secret[-43:]}"
    assert desk.tokens.authenticate(make(desk, name="all")[1]).scopes is None


def test_the_secret_is_in_no_file_of_the_data_folder(desk: Services) -> None:
    _, secret = make(desk)
    desk.tokens.authenticate(secret)
    with pytest.raises(NotSignedIn):
        desk.tokens.authenticate(secret[:-1] + ("A" if secret[-1] != "A" else "B"))
    random = secret.rpartition("_")[2] if "_" not in secret[-43:] else secret[-43:]
    folder = desk.settings.data_dir
    for path in (path for path in folder.rglob("*") if path.is_file()):
        assert random.encode() not in path.read_bytes(), path.name


def test_whoever_is_not_known_is_told_the_same_whatever_is_wrong(desk: Services) -> None:
    ended, past = make(desk, name="ended"), make(desk, name="past", expires_at=utc_now() + timedelta(hours=1))
    desk.tokens.revoke(ended[0].id, actor=ADMIN)
    right = make(desk)[1]
    later = utc_now() + timedelta(hours=2)
    wrong = [None, "", "Bearer", "tri_", ended[1], right[:-1], right + "A", right.upper(),
             "tri_0123456789ab_" + "A" * 43, f"{right}\n", "ü" * 60, "\ud800"]  # fmt: skip
    for secret in wrong:
        with pytest.raises(NotSignedIn) as refused:
            desk.tokens.authenticate(secret)
        assert str(refused.value) == NOT_SIGNED_IN
    assert desk.tokens.authenticate(past[1]).name == "token:past"
    with pytest.raises(NotSignedIn, match=r"Authorization: Bearer"):
        desk.tokens.authenticate(past[1], now=later)


def test_a_revoked_token_is_refused_at_once_and_revoking_again_changes_nothing(desk: Services) -> None:
    token, secret = make(desk)
    desk.tokens.authenticate(secret)
    ended = desk.tokens.revoke(token.id, actor=ADMIN)
    assert desk.tokens.revoke(token.id, actor=Actor(name="eve", role=Role.ADMIN)) == ended
    with pytest.raises(NotSignedIn):
        desk.tokens.authenticate(secret)
    with pytest.raises(NotFound):
        desk.tokens.revoke("tok_none", actor=ADMIN)
    assert make(desk)[0].name == token.name, "the name of an ended token is free"


def test_use_is_noted_to_the_minute_and_told_once_an_hour(desk: Services) -> None:
    token, secret = make(desk)
    start = utc_now()
    minutes = [0, 0, 0.5, 1, 30, 59, 61, 90, 122]
    noted = []
    for minute in minutes:
        desk.tokens.authenticate(secret, now=start + timedelta(minutes=minute))
        (kept,) = desk.tokens.list(actor=ADMIN)
        assert kept.last_used_at is not None
        noted.append(round((kept.last_used_at - start).total_seconds() / 60, 1))
    assert noted == [0, 0, 0, 1, 30, 59, 61, 90, 122]
    assert told(desk) == [("token.created", "ada"), *[("token.used", "token:crm")] * 3]
    assert token.last_used_at is None


def test_refusals_are_told_once_a_minute_and_name_no_secret(desk: Services) -> None:
    token, secret = make(desk)
    start = utc_now()
    for second in range(0, 130, 5):
        for wrong in (secret[:-2] + "AA", "tri_0123456789ab_" + "A" * 43, "nonsense"):
            with pytest.raises(NotSignedIn):
                desk.tokens.authenticate(wrong, now=start + timedelta(seconds=second))
    found = desk.audit.list(AuditFilter(actions=("token.refused",)), actor=ADMIN)
    assert sorted(entry.subject_id for entry in found) == [token.id] * 3 + ["unknown"] * 3
    assert secret[-43:-2] not in str(found)


def test_many_requests_at_once_are_one_note(desk: Services) -> None:
    _, secret = make(desk)
    together = threading.Barrier(8)

    def ask(_: int) -> str:
        together.wait()
        return desk.tokens.authenticate(secret).name

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {"token:crm"}
    assert [action for action, _ in told(desk)].count("token.used") == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 61}, "60 characters"),
        ({"name": "bell\x07"}, "name"),
        ({"scopes": ["runs:destroy"]}, "no scope 'runs:destroy'"),
        ({"scopes": []}, "at least one scope"),
        ({"scopes": ["policies:change"]}, "takes the role admin"),
        ({"team": "Two words"}, "team"),
        ({"expires_at": utc_now() - timedelta(days=1)}, "later end"),
    ],
)
def test_what_cannot_be_a_token_says_why(desk: Services, given: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        make(desk, **given)
    assert desk.tokens.list(actor=ADMIN) == []


def test_two_tokens_in_use_never_have_one_name(desk: Services) -> None:
    make(desk)
    with pytest.raises(Conflict, match="named crm already"):
        make(desk, name=" crm ")


def test_a_token_cannot_make_one_that_may_more_than_itself(desk: Services) -> None:
    maker = Actor(name="token:maker", role=Role.ADMIN, scopes=frozenset({"tokens:change", "runs:read"}), kind="program")
    with pytest.raises(NotAllowed, match="name its scopes"):
        desk.tokens.create(name="all", role=Role.ADMIN, actor=maker)
    with pytest.raises(NotAllowed, match="which you do not have"):
        desk.tokens.create(name="more", role=Role.ADMIN, scopes=["runs:read", "customers:erase"], actor=maker)
    assert desk.tokens.create(name="less", role=Role.OPERATOR, scopes=["runs:read"], actor=maker)[0].scopes
