"""Addresses that somebody is sent: what stands in them is looked for, said as text, and does nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.components.context import ROLE_KEY, services
from tests.api.served import ALICE, REFUND
from tests.attacks.markup import beginning, nasty, squeezed
from tests.pages.conftest import CONSOLE, OpenPage, open_page, running, settle
from tests.storage.conftest import _migrated_postgres, _postgres_server, postgres_url
from triage.domain import Actor, Role, Run
from triage.services import Services

__all__ = ["_migrated_postgres", "_postgres_server", "open_page", "postgres_url", "running", "settle"]

NAMES = {
    "desk": ("run", "q", "show", "category", "urgency"),
    "approvals": ("approval", "lane", "tool", "urgency", "mine", "overdue", "escalated"),
    "overview": ("part", "range", "refresh", "from", "to", "only_customer", "only_models", "only_agents"),
    "traces": ("trace", "span", "with", "time", "from", "to", "statuses", "agents", "models", "tools", "text", "email",
               "min_cost", "max_seconds", "sort", "order", "page", "columns", "conversation", "errors"),
    "guardrails": ("trip", "check", "kind", "mark", "range", "from", "to"),
    "alerts": ("alert", "alert_view"),
    "policies": ("policy_view",),
    "audit": ("entry", "audit_who", "audit_what", "audit_on", "period"),
    "data": ("data_view",),
    "team": ("agent_shown",),
    "access": ("access_view",),
}  # fmt: skip
LIE = f"x' or 1=1; drop table runs; -- {nasty('address')}"
TIMES = {"from": "9999-12-31T23:59:59-23:59", "to": "0001-01-01T00:00:00+23:59"}


def test_an_address_that_lies_opens_its_page(running: Services, open_page: OpenPage) -> None:
    running.runs.submit("How do I export my data?", actor=Actor(name="olga"))
    for name, names in NAMES.items():
        expect_in_order(open_page(name, role=Role.ADMIN, **dict.fromkeys(names, LIE)), name)
    assert len(running.runs.list()) == 1


def test_times_that_no_calendar_has_open_their_page(open_page: OpenPage) -> None:
    for name in ("overview", "guardrails"):
        expect_in_order(open_page(name, range="Custom", **TIMES), name)
    expect_in_order(open_page("traces", time="custom", **TIMES), "traces")


def expect_in_order(page: AppTest, name: str) -> None:
    """Find no exception, and nothing in Markdown that is not text; there, all that acts stands behind a backslash."""
    assert not page.exception, (name, page.exception)
    assert page.main.children, name
    for shown in (*page.markdown, *page.caption, *page.error, *page.warning, *page.info, *page.toast):
        assert beginning("address") not in squeezed(shown.value), (name, shown.value)
        assert "![i]" not in shown.value, (name, shown.value)


def test_values_that_postgresql_does_not_take_open_their_page(
    postgres_url: str, unpaced: None, started_once: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIAGE_DATABASE_URL", postgres_url)
    services.clear()
    opened = services()
    try:
        for name, names in NAMES.items():
            for value in ("\0", "9" * 30) if name == "audit" else ("\0",):
                page = AppTest.from_file(str(CONSOLE), default_timeout=30)
                page.session_state[ROLE_KEY] = Role.ADMIN
                page.run()
                page.switch_page(f"{name}.py")
                for key in names:
                    page.query_params[key] = value
                expect_in_order(page.run(), f"{name} {value!r}")
    finally:
        services.clear()
        opened.close()


def test_who_may_not_decide_finds_no_way_to_on_the_page(
    running: Services, open_page: OpenPage, settle: Callable[[Run], Run]
) -> None:
    run = settle(running.runs.submit(REFUND, actor=Actor(name="olga"), customer_email=ALICE))
    [approval] = running.approvals.list_of_run(run.id)
    page = open_page("approvals", role=Role.OPERATOR, approval=approval.id)
    assert not page.exception
    labels = [button.label for button in page.button]
    assert not [label for label in labels if label.split(",")[0] in ("Approve", "Edit", "Reject", "Claim")]
    assert running.approvals.get(approval.id) == approval
