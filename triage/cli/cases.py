"""``cases``: list and export the evaluation cases."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from triage.cli.files import write_pieces
from triage.cli.opening import COMMAND_LINE, services_of_command
from triage.cli.output import print_json
from triage.errors import InvalidInput

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

cases_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look at the evaluation cases.")


@cases_app.command("list")
def list_(*, as_json: Json = False) -> None:
    """List the cases, oldest first."""
    with services_of_command() as services:
        cases = services.cases.list()
    if as_json:
        print_json([case.model_dump(mode="json") for case in cases])
        return
    for case in cases:
        first = case.message.splitlines()[0][:70]
        typer.echo(f"{case.id}  {case.guardrail}: {case.expected_verdict:<18}  {first}")
    if not cases:
        typer.echo("No cases yet. Mark a trip on the guardrails page and make a case of it.")


@cases_app.command("export")
def export(
    file: Annotated[Path, typer.Argument(dir_okay=False, allow_dash=True, help="The file; - is standard output.")],
    *,
    as_json: Json = False,
) -> None:
    """Write the cases, oldest first, to a JSONL file; the export is entered into the audit log."""
    is_output = str(file) == "-"
    if as_json and is_output:
        raise InvalidInput("Standard output can hold the cases or the report of --json. Name a file, or leave one out.")
    with services_of_command() as services:
        written = write_pieces(file, lambda: services.cases.export(actor=COMMAND_LINE))
    if as_json:
        print_json({"file": str(file), "cases": written})
    elif not is_output:
        typer.echo(f"{written} cases in {file}.")
