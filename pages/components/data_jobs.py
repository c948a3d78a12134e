"""What came of the work on what is kept: each job with who asked, when, and its receipt."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.components import words
from pages.components.context import actor, services
from pages.components.refusal import show_refusal
from pages.components.text import plain
from triage.domain import DataJob, JobKind, JobStatus
from triage.errors import TriageError

_OPEN = (JobStatus.WAITING, JobStatus.WORKING)
_EVERY_S = 1.0
_LARGE = 1000
_NAMES = {
    JobKind.ERASE: "Erasure", JobKind.EXPORT: "Export", JobKind.IMPORT: "Import", JobKind.BACKUP: "Backup",
    JobKind.RETENTION: "Removal of what is due",
}  # fmt: skip
_STATUS = {
    JobStatus.WAITING: ("waits", ":material/schedule:"), JobStatus.WORKING: ("at work", ":material/progress_activity:"),
    JobStatus.DONE: ("done", ":material/check_circle:"), JobStatus.FAILED: ("failed", ":material/error:"),
}  # fmt: skip
_TO_SEE_TO = {
    "files_removed": "Exports that were deleted",
    "files_elsewhere": "Exports that are no longer where they were written; delete them where they are now",
    "backups": "Backups that still hold this customer",
    "mentioned_in": "Conversations of others in which the address stands",
    "audit_lines": "Lines of the audit log in which the address stands",
}


def size(held: int) -> str:
    """Return bytes as a person reads them."""
    amount, unit = float(held), "bytes"
    for larger in ("kB", "MB", "GB"):
        if amount < _LARGE:
            break
        amount, unit = amount / _LARGE, larger
    return f"{amount:,.0f} {unit}" if unit == "bytes" else f"{amount:,.1f} {unit}"


def job_list(kinds: Sequence[JobKind], *, empty: str) -> None:
    """Show the jobs of some kinds, newest first; while one is open the list follows it."""
    care = services().data_care
    is_open = any(job.status in _OPEN for job in care.list(kinds, actor=actor(), limit=20))

    @st.fragment(run_every=_EVERY_S if is_open else None)
    def follow() -> None:
        try:
            jobs = care.list(kinds, actor=actor(), limit=20)
        except TriageError as error:
            show_refusal(error)
            return
        if is_open and not any(job.status in _OPEN for job in jobs):
            st.rerun()
        if not jobs:
            st.caption(empty)
        for at, job in enumerate(jobs):
            _job(job, is_open=at == 0 or job.status is JobStatus.FAILED)

    follow()


def _job(job: DataJob, *, is_open: bool) -> None:
    said, icon = _STATUS[job.status]
    what = str(job.arguments.get("customer") or job.arguments.get("file", "").rpartition("/")[2])
    name = "Look at what is due" if job.arguments.get("dry_run") else _NAMES[job.kind]
    with st.expander(f"{f'{name} {plain(what)}'.strip()}: {said}", icon=icon, expanded=is_open):
        st.caption(
            f"Asked for by {plain(job.requested_by)} {words.ago(job.created_at)}", help=words.exact(job.created_at)
        )
        if job.error:
            show_refusal(job.error)
        result = job.result or {}
        if result.get("file"):
            st.text(f"File: {result['file']}" + (" (deleted)" if result.get("file_removed") else ""))
        counts = result.get("removed") or result.get("rows") or result.get("added")
        if counts:
            st.dataframe(
                [{"What": words.words(name), "How many": count} for name, count in counts.items()],
                hide_index=True, width="content", height="content",
            )  # fmt: skip
        elif job.kind is JobKind.RETENTION and job.status is JobStatus.DONE:
            st.caption("Nothing is due." if result.get("dry_run") else "Nothing was due.")
        for name, sentence in _TO_SEE_TO.items():
            if result.get(name):
                st.text(f"{sentence}: {', '.join(map(str, result[name]))}")
        if job.kind is JobKind.EXPORT and job.status is JobStatus.DONE and not result.get("file_removed"):
            st.download_button(
                "Download", lambda: services().data_care.read_export(job.id, actor=actor()),
                file_name=what, mime="application/zip", icon=":material/download:", on_click="ignore",
                key=f"download_{job.id}",
            )  # fmt: skip
