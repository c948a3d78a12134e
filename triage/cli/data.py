"""``export``, ``erase``, ``backup``, ``restore``, ``retention``: the work on what is kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from triage.cli.opening import COMMAND_LINE, services_of_command
from triage.cli.output import print_json
from triage.data_care.service import DataCareService
from triage.domain import DataJob, JobStatus
from triage.errors import DataFolderError, InvalidInput
from triage.services import open_keeper, restore
from triage.settings import load_settings

_LOOK_EVERY_S = 0.1
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Since = Annotated[datetime | None, typer.Option(help="Not before this time, UTC.")]
Until = Annotated[datetime | None, typer.Option(help="Before this time, UTC.")]


def add_data_commands(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for name, command in (
        ("export", export_file), ("import-export", import_file), ("erase", erase_customer), ("backup", back_up),
        ("restore", restore_file), ("retention", apply_retention),
    ):  # fmt: skip
        app.command(name)(command)


def export_file(
    file: Annotated[Path, typer.Argument(help="Where to write the archive, such as traces.zip.")],
    *,
    since: Since = None,
    until: Until = None,
    status: Annotated[list[str] | None, typer.Option(help="Only runs with this status; may be given again.")] = None,
    category: Annotated[list[str] | None, typer.Option(help="Only runs of this category; may be given again.")] = None,
    as_json: Json = False,
) -> None:
    """Write traces, with their spans and runs, to Parquet files in one archive."""
    job = _done(
        lambda care: care.export_traces(
            file,
            actor=COMMAND_LINE,
            since=_utc(since),
            until=_utc(until),
            statuses=status or (),
            categories=category or (),
        )
    )
    result = job.result or {}
    rows = result.get("rows", {})
    _say(
        job, f"{rows.get('spans', 0)} spans of {rows.get('runs', 0)} runs are in {result.get('file')}.", as_json=as_json
    )


def import_file(
    file: Annotated[Path, typer.Argument(help="An archive that export wrote.", exists=True, dir_okay=False)],
    *,
    as_json: Json = False,
) -> None:
    """Take in traces that export wrote; what is there already is left out."""
    job = _done(lambda care: care.import_traces(file, actor=COMMAND_LINE))
    added = (job.result or {}).get("added", {})
    _say(job, f"{added.get('spans', 0)} spans of {added.get('runs', 0)} runs were new.", as_json=as_json)


def erase_customer(
    email: Annotated[str, typer.Argument(help="The customer's e-mail address.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what there is.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Erase everything of one customer, for good, and print the receipt."""
    with services_of_command() as services:
        found = services.data_care.preview_erasure(email, actor=COMMAND_LINE)
    if dry_run:
        _print({"found": found}, [f"{count:>8}  {what}" for what, count in found.items()], as_json=as_json)
        return
    if not yes:
        asked = f"Erase {found['conversations']} conversations and {found['runs']} runs of this customer for good?"
        if not typer.confirm(asked, err=True):
            raise InvalidInput("Nothing was erased.")
    job = _done(lambda care: care.erase(email, actor=COMMAND_LINE))
    _print(job.result or {}, receipt_lines(job), as_json=as_json)


def back_up(
    file: Annotated[Path, typer.Argument(help="The file to write; there must be none of this name.")],
    *,
    as_json: Json = False,
) -> None:
    """Copy the whole data folder into one file, also while a console runs."""
    job = _done(lambda care: care.back_up(file, actor=COMMAND_LINE))
    _say(
        job, f"The data folder is in {(job.result or {}).get('file')}. It holds the key: keep it safe.", as_json=as_json
    )


def restore_file(
    file: Annotated[Path, typer.Argument(help="A file that backup wrote.", exists=True, dir_okay=False)],
    *,
    as_json: Json = False,
) -> None:
    """Bring a backup back into an empty data folder."""
    result = restore(load_settings(), file)
    _print(result, [f"{result['files']} files of {result['made_at']} are in {result['folder']}."], as_json=as_json)


def apply_retention(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: Json = False,
) -> None:
    """Remove what is kept for long enough now; a console does it once a day."""
    job = _done(lambda care: care.apply_retention(actor=COMMAND_LINE, dry_run=dry_run))
    removed = (job.result or {}).get("removed", {})
    lines = [f"{count:>8}  {what}" for what, count in removed.items()]
    _print(job.result or {}, lines or ["Nothing is due."], as_json=as_json)


def receipt_lines(job: DataJob) -> list[str]:
    """Return the receipt of an erasure for a person."""
    result = job.result or {}
    lines = [f"Erased: {result['customer']}", *(f"{count:>8}  {what}" for what, count in result["removed"].items())]
    for name, words in (
        ("files_removed", "Removed export"),
        ("files_elsewhere", "No longer where it was written; remove it where it is now"),
        ("backups", "A backup still holds this customer; remove it when you can"),
        ("mentioned_in", "The address stands in the conversation of somebody else"),
        ("audit_lines", "The address stands in a line of the audit log"),
    ):
        lines += [f"{words}: {item}" for item in result[name]]
    return lines


def _done(ask: Callable[[DataCareService], DataJob]) -> DataJob:
    """Ask for a job and return it when it is done: by whoever owns the data folder, else by this process."""
    with services_of_command() as services:
        job = ask(services.data_care)
        while not _has_ended(job):
            if not services.folder.is_taken():
                _do_it_here()
            else:
                time.sleep(_LOOK_EVERY_S)
            job = services.data_care.get(job.id, actor=COMMAND_LINE)
    if job.status is JobStatus.FAILED:
        raise InvalidInput(job.error or "It failed.")
    return job


def _do_it_here() -> None:
    try:
        with open_keeper(load_settings()) as keeper:
            keeper.work_off()
    except DataFolderError:
        # Somebody has taken the folder in this moment, and does it.
        time.sleep(_LOOK_EVERY_S)


def _has_ended(job: DataJob) -> bool:
    return job.status in (JobStatus.DONE, JobStatus.FAILED)


def _say(job: DataJob, sentence: str, *, as_json: bool) -> None:
    _print(job.result or {}, [sentence], as_json=as_json)


def _print(result: dict[str, Any], lines: list[str], *, as_json: bool) -> None:
    if as_json:
        print_json(result)
    else:
        typer.echo("\n".join(lines))


def _utc(at: datetime | None) -> datetime | None:
    return at and at.replace(tzinfo=UTC)
