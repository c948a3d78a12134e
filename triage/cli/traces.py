"""The commands that bring traces in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from triage.cli.opening import COMMAND_LINE, services_of_command
from triage.cli.output import print_json


def import_traces_file(
    file: Annotated[
        Path, typer.Argument(help="JSON lines, a downloaded trace or OTLP JSON.", exists=True, dir_okay=False)
    ],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Bring exported traces into the trace store, also while a console runs; wrong lines are told, the others go in.

    The same file again adds nothing.
    """
    with services_of_command() as services:
        report = services.data_care.import_spans(file, content=services.settings.trace_content, actor=COMMAND_LINE)
    if as_json:
        errors = [{"place": place, "message": sentence} for place, sentence in report.errors]
        print_json({"taken": report.taken, "total": report.total, "errors": errors})
    else:
        typer.echo(f"{report.taken} of {report.total} taken.")
        for place, sentence in report.errors:
            typer.echo(f"  {place}: {sentence}")
        if report.wrong > len(report.errors):
            typer.echo(f"  and {report.wrong - len(report.errors)} more.")
    if report.errors and not report.taken:
        raise typer.Exit(code=1)
