"""``audit``: list, check and export the audit log."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from triage.audit.export import Format
from triage.cli.files import write_pieces
from triage.cli.opening import COMMAND_LINE, services_of_command
from triage.cli.output import print_json
from triage.domain import AuditCheck, AuditEntry, AuditFilter
from triage.errors import InvalidInput

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Since = Annotated[datetime | None, typer.Option(help="Not before this time, UTC.")]
Until = Annotated[datetime | None, typer.Option(help="Before this time, UTC.")]
By = Annotated[str | None, typer.Option("--actor", help="Only what this person did.")]
Action = Annotated[list[str] | None, typer.Option("--action", help="Only this action; may be given again.")]
Subject = Annotated[str, typer.Option(help="Only what was done to an id with this text in it.")]


audit_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Read and check the audit log.")


@audit_app.command("verify")
def verify(
    *,
    known: Annotated[str | None, typer.Option(help="A line noted elsewhere that must be there: SEQ:HASH.")] = None,
    as_json: Json = False,
) -> None:
    """Find any altered, missing, reordered or added line; exit status 1 when there is one."""
    line = None if known is None else _line(known)
    with services_of_command() as services:
        check = services.audit.verify(actor=COMMAND_LINE, known=line)
    _say(check, as_json=as_json)


@audit_app.command("list")
def list_(
    *,
    since: Since = None,
    until: Until = None,
    by: By = None,
    action: Action = None,
    subject: Subject = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 50,
    as_json: Json = False,
) -> None:
    """List entries, newest first."""
    query = _filter(since, until, by, action, subject)
    with services_of_command() as services:
        entries = services.audit.list(query, actor=COMMAND_LINE, limit=limit)
    if as_json:
        print_json([entry.model_dump(mode="json") for entry in entries])
        return
    for entry in entries:
        typer.echo(_as_line(entry))
    if not entries:
        typer.echo("No entry fits.")


@audit_app.command("export")
def export(
    file: Annotated[Path, typer.Argument(dir_okay=False, allow_dash=True, help="The file; - is standard output.")],
    *,
    form: Annotated[Format | None, typer.Option("--format", help="By the file's name when left out.")] = None,
    since: Since = None,
    until: Until = None,
    by: By = None,
    action: Action = None,
    subject: Subject = "",
    as_json: Json = False,
) -> None:
    """Write the log, oldest entry first, to a JSONL or CSV file; the export itself is entered into the log."""
    chosen = form or ("csv" if file.suffix.lower() == ".csv" else "jsonl")
    query = _filter(since, until, by, action, subject)
    is_output = str(file) == "-"
    if as_json and is_output:
        raise InvalidInput("Standard output can hold the log or the report of --json. Name a file, or leave one out.")
    with services_of_command() as services:
        written = write_pieces(file, lambda: services.audit.export(query, form=chosen, actor=COMMAND_LINE))
    if as_json:
        print_json({"file": str(file), "format": chosen, "entries": written - (chosen == "csv")})
    elif not is_output:
        typer.echo(f"{written - (chosen == 'csv')} entries in {file}.")


@audit_app.command("seal")
def seal(
    *,
    reason: Annotated[str, typer.Option(help="Why; it becomes a part of the log.")],
    as_json: Json = False,
) -> None:
    """Seal the end of the log as it is, after a break was looked into or TRIAGE_SECRET_KEY was changed."""
    with services_of_command() as services:
        check = services.audit.seal(reason=reason, actor=COMMAND_LINE)
    _say(check, as_json=as_json)


def _say(check: AuditCheck, *, as_json: bool) -> None:
    lines = f"{check.checked:,} line{'' if check.checked == 1 else 's'}"
    if as_json:
        print_json({**check.model_dump(), "is_unbroken": check.is_unbroken})
    elif check.is_unbroken:
        typer.echo(f"Checked {lines}: unbroken. The last one is {check.head_seq}:{check.head_hash}")
    else:
        typer.echo(f"BROKEN  {check.problem} The {lines} before are good.")
    if not check.is_unbroken:
        raise typer.Exit(code=1)


def _as_line(entry: AuditEntry) -> str:
    who = f"{entry.actor} ({entry.role.value})"
    return f"{entry.seq:>6}  {entry.at:%Y-%m-%d %H:%M:%S}  {who:<24}  {entry.action:<20}  {entry.subject_id}"


def _line(text: str) -> tuple[int, str]:
    number, _, digest = text.partition(":")
    if not number.isdigit() or not digest:
        raise InvalidInput("Write a noted line as its number and hash, SEQ:HASH, as audit verify prints the last one.")
    return int(number), digest.strip()


def _filter(
    since: datetime | None, until: datetime | None, by: str | None, actions: list[str] | None, subject: str
) -> AuditFilter:
    return AuditFilter(
        since=_in_utc(since), until=_in_utc(until), actor=by, actions=tuple(actions or ()), subject=subject
    )


def _in_utc(moment: datetime | None) -> datetime | None:
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)
