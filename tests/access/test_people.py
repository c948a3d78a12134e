"""Who the people are that sign in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from triage.access.people import PeopleService
from triage.domain import Actor, Role
from triage.errors import NotAllowed, SettingsError
from triage.settings import Settings

ADMIN = Actor(name="ada", role=Role.ADMIN)
FILE = """
[people]
"Ada@Example.com" = "admin"
"lee@example.com" = { role = "operator", team = "billing" }
"""


def people(file: Path | None = None, **given: Any) -> PeopleService:
    return PeopleService(Settings(_env_file=None, people_file=file, **given))


@pytest.fixture
def written(people_file: Path) -> Path:
    people_file.write_text(FILE, encoding="utf-8")
    return people_file


def test_the_address_decides_in_any_case(written: Path) -> None:
    service = people(written)
    ada = service.actor_from_claims({"email": "ADA@example.com", "name": "Somebody else", "sub": "1"})
    assert (ada.name, ada.email, ada.role, ada.team) == ("ada@example.com", "ada@example.com", Role.ADMIN, "support")
    lee = service.actor_from_claims({"email": "lee@example.com", "email_verified": True})
    assert (lee.role, lee.team, lee.kind, lee.scopes) == (Role.OPERATOR, "billing", "person", None)


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"email": "eve@example.com"},
        {"email": "ada@example.com", "email_verified": False},
        {"email": "ada@example.com", "email_verified": "false"},
        {"email": ["ada@example.com"]},
        {"email": "ada"},
        {"preferred_username": "ada@example.com"},
        {"email": "ada@example.com.evil.example"},
    ],
)
def test_whoever_nobody_named_is_told_whom_to_ask(written: Path, claims: dict[str, Any]) -> None:
    with pytest.raises(NotAllowed, match="Ask an administrator"):
        people(written).actor_from_claims(claims)
    with pytest.raises(NotAllowed):
        people().actor_from_claims(claims)


def test_whoever_is_taken_out_of_the_file_has_no_access_at_the_next_question(written: Path) -> None:
    service = people(written)
    claims = {"email": "lee@example.com"}
    assert service.actor_from_claims(claims).role is Role.OPERATOR
    written.write_text(FILE.replace("operator", "reviewer"), encoding="utf-8")
    assert service.actor_from_claims(claims).role is Role.REVIEWER
    written.write_text('[people]\n"ada@example.com" = "admin"\n', encoding="utf-8")
    with pytest.raises(NotAllowed):
        service.actor_from_claims(claims)
    written.unlink()
    with pytest.raises(SettingsError, match="nobody gets in"):
        service.actor_from_claims({"email": "ada@example.com"})


def test_a_file_that_was_replaced_within_one_tick_of_the_clock_is_read_again(written: Path) -> None:
    service = people(written)
    stat = written.stat()
    other = written.with_name("other.toml")
    other.write_text(FILE.replace("lee@", "eve@"), encoding="utf-8")
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    other.replace(written)
    with pytest.raises(NotAllowed):
        service.actor_from_claims({"email": "lee@example.com"})


def test_groups_give_roles_and_the_file_counts_first(written: Path) -> None:
    mapping = "leads=manager, billing=operator:billing, cn=x,ou=y=reviewer"
    service = people(written, role_claim="realm_access.roles", role_map=mapping.replace("cn=x,ou=y", "cn=x"))

    def of(*groups: str, email: str = "max@example.com") -> Actor:
        return service.actor_from_claims({"email": email, "realm_access": {"roles": list(groups)}})

    assert (of("billing").role, of("billing").team) == (Role.OPERATOR, "billing")
    assert of("billing", "leads", "unknown").role is Role.MANAGER
    assert of("cn=x").role is Role.REVIEWER
    assert of("leads", email="lee@example.com").role is Role.OPERATOR
    for groups in ([], ["Leads"], ["lead"]):
        with pytest.raises(NotAllowed):
            of(*groups)


@pytest.mark.parametrize("groups", ["leads", ["leads"], ("leads", 3)])
def test_a_claim_may_be_one_word_or_a_list_and_have_a_dot_in_its_name(groups: Any) -> None:
    service = people(role_claim="https://example.com/groups", role_map="leads=manager")
    claims = {"email": "max@example.com", "https://example.com/groups": groups}
    assert service.actor_from_claims(claims).role is Role.MANAGER


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", "not TOML"),
        ("", "table"),
        ("[people]\n[others]", "nothing else"),
        ('[people]\n"ada@example.com" = "boss"', "no such role"),
        ('[people]\n"ada" = "admin"', "no address"),
        ('[people]\n"ada@x.com" = "admin"\n"ADA@x.com" = "operator"', "twice"),
        ('[people]\n"ada@x.com" = 3', "has to have a role"),
        ('[people]\n"ada@x.com" = { role = "admin", teem = "x" }', "has to have a role"),
        ('[people]\n"ada@x.com" = { team = "x" }', "no such role"),
        ('[people]\n"ada@x.com" = { role = "admin", team = "A b" }', "team"),
    ],
)
def test_a_mistake_in_the_file_stops_the_start(people_file: Path, text: str, words: str) -> None:
    people_file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=words) as refused:
        people(people_file)
    assert "TRIAGE_PEOPLE" in str(refused.value)


@pytest.mark.parametrize("text", ["leads", "leads=", "=admin", "leads=boss", "leads=admin:A b"])
def test_a_mistake_in_the_map_stops_the_start(text: str) -> None:
    with pytest.raises(SettingsError, match="TRIAGE_ROLE_MAP"):
        people(role_claim="groups", role_map=text)


def test_only_administrators_see_who_may_what(written: Path) -> None:
    service = people(written, role_claim="groups", role_map="leads=manager")
    assert list(service.listed(actor=ADMIN)) == ["ada@example.com", "lee@example.com"]
    assert service.groups(actor=ADMIN)[0] == "groups"
    for ask in (service.listed, service.groups):
        with pytest.raises(NotAllowed):
            ask(actor=Actor(name="mona", role=Role.MANAGER))
