"""The commands for tokens, by which programs sign in at the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import typer

from triage.cli.opening import COMMAND_LINE, services_of_command
from triage.cli.output import print_json
from triage.domain import DEFAULT_TEAM, Role, Token, utc_now

tokens_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Tokens, by which programs sign in.")

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@tokens_app.command("list")
def list_tokens(
    *,
    all_: Annotated[bool, typer.Option("--all", help="Revoked and expired ones as well.")] = False,
    as_json: Json = False,
) -> None:
    """List the tokens, newest first; their secrets are kept nowhere."""
    with services_of_command() as services:
        now = utc_now()
        tokens = [token for token in services.tokens.list(actor=COMMAND_LINE) if all_ or token.is_live(now)]
    if as_json:
        print_json([token_as_json(token) for token in tokens])
        return
    for token in tokens:
        used = f"used {token.last_used_at:%Y-%m-%d %H:%M} UTC" if token.last_used_at else "never used"
        scopes = ",".join(token.scopes) if token.scopes is not None else "all scopes"
        state = "" if token.is_live(now) else "  over"
        typer.echo(f"{token.id}  {token.role.value:<8}  {token.team:<10}  {token.name}  {scopes}  {used}{state}")
    if not tokens:
        typer.echo("No tokens. Make one: python -m triage tokens create NAME --role operator")


@tokens_app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Name of the program that gets the token.")],
    *,
    role: Annotated[Role, typer.Option(help="What it works as.")] = Role.OPERATOR,
    scope: Annotated[
        list[str] | None, typer.Option(help="An action that it may do, such as runs:submit; several times for several.")
    ] = None,
    team: Annotated[str, typer.Option(help="Whose runs it sees, and to whom what it submits belongs.")] = DEFAULT_TEAM,
    days: Annotated[int, typer.Option(min=0, max=3650, help="Days for which it is valid; 0 for ever.")] = 90,
    as_json: Json = False,
) -> None:
    """Make a token and print its secret, which is never shown again."""
    with services_of_command() as services:
        token, secret = services.tokens.create(
            name=name,
            role=role,
            scopes=scope or None,
            team=team,
            expires_at=utc_now() + timedelta(days=days) if days else None,
            actor=COMMAND_LINE,
        )
    if as_json:
        print_json({**token_as_json(token), "secret": secret})
    else:
        typer.echo(secret)
        typer.echo(f"This is the only time that it is shown. Its id is {token.id}.", err=True)


@tokens_app.command("revoke")
def revoke(
    token_id: Annotated[str, typer.Argument(help="The id of the token, as tokens list shows it.")],
    *,
    as_json: Json = False,
) -> None:
    """End a token: its next request is refused."""
    with services_of_command() as services:
        token = services.tokens.revoke(token_id, actor=COMMAND_LINE)
    print_json(token_as_json(token)) if as_json else typer.echo(f"Revoked: {token.name}")


def token_as_json(token: Token) -> dict[str, Any]:
    """Return a token for a program."""
    return token.model_dump(mode="json")
