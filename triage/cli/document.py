"""The OpenAPI document on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from triage.cli.output import print_json
from triage.errors import InvalidInput


def write_openapi(
    file: Annotated[Path | None, typer.Argument(help="Where to write it; standard output when there is none.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Write the OpenAPI document of the HTTP API to a file or to standard output."""
    from triage.api.app import document  # noqa: PLC0415 - it imports everything there is

    made = document()
    if file is None:
        print_json(made)
        return
    try:
        file.write_text(json.dumps(made, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{file} cannot be written ({error.strerror}). Choose another file.") from None
    if as_json:
        print_json({"file": str(file), "paths": len(made["paths"])})
    else:
        typer.echo(f"{len(made['paths'])} paths are in {file}.")
