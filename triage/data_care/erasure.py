"""Erases everything of one customer, everywhere, in steps that a kill may interrupt anywhere.

Each step can be done again. What the later ones need to know (ids, never the address) is noted with the job before the
records are gone. The address itself stands sealed in the job until the end.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

from triage.data_care.aside import blank_lines_in_use, remove_lines_aside
from triage.data_care.holdings import Holdings, Receipt, as_numbers, customer_mark
from triage.domain import Actor, DataJob, JobKind, JobStatus
from triage.errors import Conflict, DataFolderError, InvalidInput
from triage.runs.steering import end_by_person

STOP_WAIT_S = 30.0
_LOOK_EVERY_S = 0.05
_MAX_ROUNDS = 100


def erase(holdings: Holdings, job: DataJob, *, email: str) -> Receipt:
    """Erase the customer with this address, in small letters, and return the receipt.

    Raises:
        DataFolderError: something cannot be written now; what was done stays done, and the rest is tried again.
    """
    actor = Actor(name=job.requested_by, role=job.role)
    removed = Counter({name: int(count) for name, count in (job.progress or {}).get("removed", {}).items()})
    _end_runs(holdings, email, actor=actor)
    _settle(holdings)
    found = _note(holdings, job, email=email, removed=removed)
    removed += _remove_records(holdings, job, email=email, removed=removed)
    # The picture of the runs follows the records within a moment: once more, so that nothing comes in after this.
    _settle(holdings)
    traces = found["trace_ids"]
    removed += holdings.traces.remove(traces)
    removed["lines for the collector"] += holdings.forget_outgoing(set(traces))
    needles = [email, *traces, *found["run_ids"], *found["conversation_ids"]]
    removed["lines set aside"] += sum(remove_lines_aside(folder, needles) for folder in holdings.aside)
    removed["lines of other programs"] += blank_lines_in_use(holdings.inbox, needles)
    files = _remove_exports(holdings, set(traces))
    removed["exports"] += len(files["removed"])
    holdings.traces.write_anew()
    if holdings.records_file is not None:
        holdings.records_file.write_anew()
    with holdings.records.read() as tx:
        mentions, lines = tx.erasure.mentions(email), tx.erasure.audit_lines(email)
    return {
        "customer": customer_mark(email, key=holdings.key),
        "removed": as_numbers(removed),
        "files_removed": files["removed"],
        "files_elsewhere": files["elsewhere"],
        "backups": files["backups"],
        "mentioned_in": mentions,
        "audit_lines": lines,
    }


def preview(holdings_records: Any, *, email: str) -> dict[str, int]:
    """Return what an erasure would find in the records, by kind and count; nothing changes."""
    with holdings_records.read() as tx:
        found = tx.erasure.find(email)
        others = tx.erasure.mentions(email)
    return {
        "conversations": len(found.conversation_ids),
        "runs": len(found.run_ids),
        "runs that are ended first": len(found.open_run_ids),
        "conversations in which the address stands": len(others),
    }


def _end_runs(holdings: Holdings, email: str, *, actor: Actor) -> None:
    """End every open run of the customer and wait until none is at work."""
    deadline = time.monotonic() + STOP_WAIT_S
    for _ in range(_MAX_ROUNDS):
        with holdings.records.read() as tx:
            found = tx.erasure.find(email)
        for run_id in found.open_run_ids:
            holdings.flush_events(run_id)
            try:
                with holdings.records.begin() as tx:
                    end_by_person(tx, run_id, actor=actor)
            except Conflict:
                pass  # It has ended by itself in this moment.
            holdings.stop_run(run_id)
        while (busy := set(found.run_ids) & set(holdings.running())) and time.monotonic() < deadline:
            time.sleep(_LOOK_EVERY_S)
        if busy:
            raise DataFolderError("A run of this customer has not let go of its work yet; it is tried again.")
        if not found.open_run_ids:
            return


def _settle(holdings: Holdings) -> None:
    if not holdings.settle():
        raise DataFolderError("The trace store cannot take in what waits for it now; it is tried again.")


def _note(holdings: Holdings, job: DataJob, *, email: str, removed: Counter[str]) -> dict[str, list[str]]:
    """Note what is about to be removed, together with what an interrupted try has noted."""
    before = (job.progress or {}).get("found", {})
    with holdings.records.read() as tx:
        found = tx.erasure.find(email)
    ids = {
        name: [*dict.fromkeys([*before.get(name, ()), *getattr(found, name)])]
        for name in ("conversation_ids", "run_ids", "trace_ids")
    }
    of_runs = holdings.traces.find(customer=email, run_ids=ids["run_ids"], conversation_ids=ids["conversation_ids"])
    ids["trace_ids"] = [*dict.fromkeys([*ids["trace_ids"], *of_runs])]
    with holdings.records.begin() as tx:
        tx.data_jobs.update(job.id, progress={"found": ids, "removed": dict(removed)})
    return ids


def _remove_records(holdings: Holdings, job: DataJob, *, email: str, removed: Counter[str]) -> Counter[str]:
    """Remove the records, and what was removed goes into the job in the same transaction."""
    with holdings.records.begin() as tx:
        found = tx.erasure.find(email)
        if found.open_run_ids:
            raise DataFolderError("This customer has written again in this moment; it is tried again.")
        gone = tx.erasure.remove(found)
        gone += tx.erasure.forget_person(email, pseudonym=customer_mark(email, key=holdings.key))
        progress = tx.data_jobs.get(job.id).progress or {}
        tx.data_jobs.update(job.id, progress={**progress, "removed": dict(removed + gone)})
    return gone


def _remove_exports(holdings: Holdings, trace_ids: set[str]) -> dict[str, list[str]]:
    """Remove the exports that hold one of the traces; name those that are no longer where they were put."""
    files: dict[str, list[str]] = {"removed": [], "elsewhere": [], "backups": []}
    with holdings.records.read() as tx:
        jobs = tx.data_jobs.list([JobKind.EXPORT, JobKind.BACKUP], limit=10_000)
    for job in jobs:
        if job.status is not JobStatus.DONE or not job.result:
            continue
        path = Path(str(job.result.get("file", "")))
        if job.kind is JobKind.BACKUP:
            files["backups"].append(str(path))
        elif not path.exists():
            if not job.result.get("file_removed"):
                files["elsewhere"].append(str(path))
        elif _holds_any(holdings, path, trace_ids):
            path.unlink()
            files["removed"].append(str(path))
            with holdings.records.begin() as tx:
                tx.data_jobs.update(job.id, result={**job.result, "file_removed": True})
    return files


def _holds_any(holdings: Holdings, path: Path, trace_ids: set[str]) -> bool:
    try:
        return not trace_ids.isdisjoint(holdings.traces.traces_in(path))
    except InvalidInput:
        # It is not what was written there: somebody's own file now.
        return False
