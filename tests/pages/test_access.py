"""The access page, and what each role finds in the navigation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.components.gate import LISTED, OPENED
from triage.access.actions import may
from triage.domain import Actor, Role
from triage.services import Services

ADMIN = Actor(name="ada", role=Role.ADMIN)
NASTY = "crm **[x](http://evil.example)** <b>"

OpenPage = Callable[..., AppTest]


def said(page: AppTest) -> str:
    kinds = (page.info, page.caption, page.error, page.markdown, page.success)
    return "\n".join(str(item.value) for kind in kinds for item in kind)


def press(page: AppTest, label: str) -> AppTest:
    return next(button for button in page.button if button.label == label).click().run()


def make(page: AppTest, name: str, **chosen: Any) -> AppTest:
    press(page, "New token…")
    next(field for field in page.text_input if field.label == "Name of the program").set_value(name)
    for part, value in chosen.items():
        next(field for field in page.selectbox if str(field.key).startswith(f"token_{part}_")).set_value(value)
    return press(page, "Make the token")


def test_a_token_is_made_shown_once_and_revoked(open_page: OpenPage, running: Services) -> None:
    page = open_page("access", role=Role.ADMIN)
    assert "No program has access" in said(page)
    make(page, NASTY, role=Role.REVIEWER)
    assert not page.exception
    (secret,) = [block.value for block in page.code]
    who = running.tokens.authenticate(secret)
    assert (who.name, who.role) == (f"token:{NASTY}", Role.REVIEWER)
    press(page, "I have copied it")
    assert not page.code
    assert secret not in said(page)
    assert NASTY not in said(page), "the name is text and no markup"
    assert "last used just now" in said(page)
    press(page, "Revoke it")
    assert not page.exception
    (token,) = running.tokens.list(actor=ADMIN)
    assert token.revoked_at is not None
    assert "revoked by local user" in said(page)


def test_what_cannot_be_a_token_is_said_in_its_dialog(open_page: OpenPage, running: Services) -> None:
    page = make(open_page("access", role=Role.ADMIN), " ")
    assert "Give the token a name" in page.error[0].value
    assert running.tokens.list(actor=ADMIN) == []


def test_people_and_roles_are_shown(open_page: OpenPage) -> None:
    assert "No people are set up" in said(open_page("access", role=Role.ADMIN, access_view="People"))
    page = open_page("access", role=Role.ADMIN, access_view="Roles")
    assert not page.exception
    rows = page.dataframe[0].value.set_index("Scope")
    assert list(rows.loc["approvals:decide", ["Operator", "Reviewer", "Manager", "Administrator"]]) == [
        False, True, True, True,
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["access", "audit", "overview", "guardrails", "policies"])
def test_a_page_that_one_may_not_see_answers_with_a_sentence(open_page: OpenPage, name: str) -> None:
    page = open_page(name, role=Role.OPERATOR)
    assert not page.exception
    assert "you need the role" in page.info[0].value
    assert not page.dataframe


def test_the_navigation_has_what_a_role_may_see() -> None:
    def listed(role: Role) -> list[str]:
        return [name for name, action in LISTED.items() if may(Actor(name="", role=role), action)]

    assert listed(Role.OPERATOR) == ["desk", "approvals", "team"]
    assert listed(Role.REVIEWER) == ["desk", "approvals", "team", "policies"]
    assert set(LISTED) - set(listed(Role.MANAGER)) == {"access"}
    assert listed(Role.ADMIN) == list(LISTED)
    assert {name for name in LISTED if OPENED[name] is not LISTED[name]} == {"traces"}
