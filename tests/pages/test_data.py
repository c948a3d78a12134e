"""The page on what is kept: who sees what, an erasure with its receipt, an export, a backup."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

from pages.components.data_jobs import size
from tests.pages.conftest import OpenPage
from triage.domain import Actor, DataJob, JobKind, JobStatus, Role, Run
from triage.services import Services

ADMIN = Actor(name="ada", role=Role.ADMIN)
EMAIL = "alice@example.com"


def last(running: Services, kind: JobKind) -> DataJob:
    """Wait until the newest job of a kind has ended."""
    deadline = time.monotonic() + 30
    while (job := running.data_care.list([kind], actor=ADMIN)[0]).status not in (JobStatus.DONE, JobStatus.FAILED):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert job.error is None
    return job


def said(page: AppTest) -> str:
    kinds = (page.info, page.caption, page.text, page.error, page.markdown, page.subheader)
    return "\n".join(str(item.value) for kind in kinds for item in kind)


def test_reviewers_see_nothing_and_managers_no_erasure(open_page: OpenPage) -> None:
    assert "need the role manager" in said(open_page("data", role=Role.REVIEWER))
    page = open_page("data", role=Role.MANAGER)
    assert not page.exception
    assert not [button for button in page.button if "Remove" in button.label]
    page = open_page("data", role=Role.MANAGER, data_view="Erase a customer")
    assert "Administrators do this" in said(page)
    assert not page.exception


def test_retention_and_sizes_are_shown_and_a_dry_run_is_listed(open_page: OpenPage, running: Services) -> None:
    page = open_page("data", role=Role.ADMIN)
    tables = " ".join(table.value.to_string() for table in page.dataframe)
    assert "730 days" in tables
    assert "Records" in tables
    next(button for button in page.button if button.label == "See what is due").click().run()
    assert last(running, JobKind.RETENTION).result == {"dry_run": True, "removed": {}}
    assert not page.run().exception


def test_an_erasure_needs_the_address_twice(
    open_page: OpenPage, running: Services, settle: Callable[[Run], Run]
) -> None:
    settle(running.runs.submit("My invoice was not generated.", actor=ADMIN, customer_email=EMAIL))
    page = open_page("data", role=Role.ADMIN, data_view="Erase a customer")
    page.text_input(key="erase_address_0").set_value(EMAIL).run()
    erase = next(button for button in page.button if "for good" in button.label)
    assert erase.disabled
    page.text_input(key="erase_typed_0").set_value("alice@example.org").run()
    assert "not the same" in said(page)
    page.text_input(key="erase_typed_0").set_value(EMAIL).run()
    next(button for button in page.button if "for good" in button.label).click().run()
    job = last(running, JobKind.ERASE)
    page.run()
    assert not page.exception
    assert page.text_input(key="erase_address_1").value == ""
    assert job.arguments["customer"] in " ".join(item.label for item in page.expander).replace("\\", "")


def test_an_export_can_be_downloaded_and_a_backup_made(open_page: OpenPage, running: Services, tmp_path: Path) -> None:
    page = open_page("data", role=Role.ADMIN, data_view="Exports")
    next(button for button in page.button if button.label == "Export").click().run()
    job = last(running, JobKind.EXPORT)
    assert running.data_care.read_export(job.id, actor=ADMIN).startswith(b"PK")
    assert not page.run().exception
    page = open_page("data", role=Role.ADMIN, data_view="Backups")
    page.text_input(key="backup_file").set_value(str(tmp_path / "x.tar"))
    next(button for button in page.button if button.label == "Back up").click().run()
    last(running, JobKind.BACKUP)
    assert (tmp_path / "x.tar").exists()
    assert not page.run().exception


def test_sizes_are_read_easily() -> None:
    assert [size(0), size(999), size(1_500), size(2_500_000)] == ["0 bytes", "999 bytes", "1.5 kB", "2.5 MB"]
