"""Who is signed in, from what the provider said, at each thing that they do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from triage.access.sign_ins import SignInService
from triage.domain import Actor, AuditFilter, Role
from triage.errors import NotAllowed, NotSignedIn, SettingsError
from triage.services import Services, open_services
from triage.settings import load_settings

BEGAN = datetime(2026, 3, 1, 8, tzinfo=UTC)
NOON = BEGAN + timedelta(minutes=30)
ADMIN = Actor(name="ada@example.com", role=Role.ADMIN)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    file = tmp_path / "people.toml"
    file.write_text('[people]\n"rita@example.com" = { role = "reviewer", team = "billing" }\n')
    return file


@pytest.fixture
def services(started_once: Path, people: Path) -> Iterator[Services]:
    settings = load_settings(
        data_dir=started_once, people_file=people, role_claim="groups", role_map="leads=manager,desk=operator"
    )
    opened = open_services(settings, kind="test", own=False)
    yield opened
    opened.close()


def claims(person: str = "rita", **changes: Any) -> dict[str, Any]:
    said = {
        "iss": "https://id.example.com",
        "sub": person,
        "email": f"{person}@example.com",
        "name": f"{person.capitalize()} M.",
        "iat": int(BEGAN.timestamp()),
        "exp": int((BEGAN + timedelta(hours=1)).timestamp()),
        "nonce": "n-1",
    }
    return {**said, **changes}


def entries(services: Services) -> list[tuple[str, str]]:
    """Return the entries about sign-ins in order, each with the person."""
    with services.records.read() as tx:
        found = tx.audit.list(AuditFilter(), limit=100)
    return [(entry.action, entry.after["person"]) for entry in found if entry.action.startswith("sign_in.")]


def test_who_has_a_role_acts_with_it_and_is_entered_once(services: Services) -> None:
    for minute in range(3):
        found = services.sign_ins.person(claims(), now=NOON + timedelta(minutes=minute))
    assert found.actor == Actor(name="rita@example.com", email="rita@example.com", role=Role.REVIEWER, team="billing")
    assert (found.shown_name, found.ends_at) == ("Rita M.", BEGAN + timedelta(hours=1))
    assert entries(services) == [("sign_in.begun", "rita@example.com")]


def test_another_start_knows_the_sign_in_again(services: Services) -> None:
    services.sign_ins.person(claims(), now=NOON)
    again = SignInService(records=services.records, people=services.people, hours=None)
    again.person(claims(), now=NOON + timedelta(minutes=5))
    assert len(entries(services)) == 1
    again.person(claims(nonce="n-2"), now=NOON)
    assert len(entries(services)) == 2


def test_without_a_role_nobody_gets_in_and_one_entry_says_so(services: Services) -> None:
    for minute in range(3):
        with pytest.raises(NotAllowed, match=r"signed in as nora@example\.com.*Ask an administrator"):
            services.sign_ins.person(claims("nora"), now=NOON + timedelta(minutes=minute))
    assert entries(services) == [("sign_in.refused", "nora@example.com")]


def test_who_is_taken_out_of_the_file_is_out_at_once_and_in_again_when_put_back(
    services: Services, people: Path
) -> None:
    before = people.read_text()
    services.sign_ins.person(claims(), now=NOON)
    people.write_text('[people]\n"kim@example.com" = "admin"\n')
    with pytest.raises(NotAllowed):
        services.sign_ins.person(claims(), now=NOON)
    people.write_text(before)
    services.sign_ins.person(claims(), now=NOON)
    assert [action for action, _ in entries(services)] == ["sign_in.begun", "sign_in.refused", "sign_in.begun"]


def test_while_the_file_cannot_be_read_nobody_gets_in(services: Services, people: Path) -> None:
    services.sign_ins.person(claims(), now=NOON)
    people.unlink()
    with pytest.raises(SettingsError, match="nobody gets in"):
        services.sign_ins.person(claims(), now=NOON)


def test_a_sign_in_that_was_ended_stays_ended_everywhere(services: Services) -> None:
    elsewhere = SignInService(records=services.records, people=services.people, hours=None)
    elsewhere.person(claims(), now=NOON)
    services.sign_ins.end(claims())
    services.sign_ins.end(claims())
    with pytest.raises(NotSignedIn, match="over"):
        services.sign_ins.person(claims(), now=NOON)
    with pytest.raises(NotSignedIn, match="over"):
        elsewhere.person(claims(), now=NOON + timedelta(seconds=2))
    assert [action for action, _ in entries(services)] == ["sign_in.begun", "sign_in.ended"]
    # The next sign-in of the same person is another one.
    assert services.sign_ins.person(claims(nonce="n-2"), now=NOON).actor.role is Role.REVIEWER


@pytest.mark.parametrize(
    ("hours", "at", "is_in"),
    [
        (None, timedelta(minutes=59), True),
        (None, timedelta(hours=1), False),
        (9.0, timedelta(hours=8, minutes=59), True),
        (9.0, timedelta(hours=9), False),
        (0.5, timedelta(minutes=31), False),
        (None, -timedelta(minutes=4), True),
        (None, -timedelta(minutes=6), False),
    ],
)
def test_a_sign_in_lasts_as_long_as_its_token_or_as_the_setting_says(
    services: Services, hours: float | None, at: timedelta, is_in: bool
) -> None:
    service = SignInService(records=services.records, people=services.people, hours=hours)
    if is_in:
        service.person(claims(), now=BEGAN + at)
    else:
        with pytest.raises(NotSignedIn, match="over"):
            service.person(claims(), now=BEGAN + at)
        assert entries(services) == []


@pytest.mark.parametrize(
    "said",
    [
        {},
        claims(iat=None),
        claims(exp="tomorrow"),
        claims(iat=True),
        claims(iat=1e30, exp=1e31),
        claims(iat=float("nan")),
        claims(exp=float("inf")),
    ],
)
def test_claims_without_times_are_nobody(services: Services, said: dict[str, Any]) -> None:
    with pytest.raises(NotSignedIn):
        services.sign_ins.person(said, now=NOON)
    services.sign_ins.end(said)
    assert entries(services) == []


def test_groups_give_a_role_and_an_address_that_was_not_confirmed_does_not(services: Services) -> None:
    said = claims("kim", groups=["desk", "leads", "else"])
    assert services.sign_ins.person(said, now=NOON).actor.role is Role.MANAGER
    with pytest.raises(NotAllowed, match="confirmed"):
        services.sign_ins.person(claims(email_verified=False), now=NOON)


def test_behind_a_proxy_its_headers_say_who_it_is_and_the_log_says_so_once_a_day(services: Services) -> None:
    headers = {"email": "Rita@Example.com", "groups": None}
    for hour in (1, 5, 15, 16):
        found = services.sign_ins.person_behind(headers, now=BEGAN + timedelta(hours=hour))
    assert (found.actor.name, found.actor.role, found.ends_at) == ("rita@example.com", Role.REVIEWER, None)
    assert entries(services) == [("sign_in.begun", "rita@example.com")] * 2
    by_group = services.sign_ins.person_behind({"email": "kim@example.com", "groups": "desk, leads"}, now=NOON)
    assert by_group.actor.role is Role.MANAGER
    for nobody in ({}, {"email": None}, {"email": ""}):
        with pytest.raises(NotSignedIn, match="proxy"):
            services.sign_ins.person_behind(nobody, now=NOON)
    with pytest.raises(NotAllowed):
        services.sign_ins.person_behind({"email": "nora@example.com"}, now=NOON)


def test_very_old_sign_ins_go(services: Services) -> None:
    services.sign_ins.person(claims(), now=NOON)
    later = BEGAN + timedelta(days=40)
    times = {"iat": int(later.timestamp()), "exp": int((later + timedelta(hours=1)).timestamp())}
    services.sign_ins.person(claims(**times), now=later)
    with services.records.read() as tx:
        kept = tx.connection.exec_driver_sql("select began_at from sign_ins").all()
    assert len(kept) == 1
