"""The commands. While a console runs on the data folder they hand their work to it; else they do it themselves."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Generator
from contextlib import closing, suppress
from pathlib import Path
from typing import Annotated

import typer

from triage.cli.audit import audit_app
from triage.cli.cases import cases_app
from triage.cli.data import add_data_commands
from triage.cli.document import write_openapi
from triage.cli.opening import COMMAND_LINE
from triage.cli.opening import services_of_command as _services
from triage.cli.output import approval_as_json, print_json, print_run, run_as_json
from triage.cli.tokens import tokens_app
from triage.cli.traces import import_traces_file
from triage.domain import ApprovalStatus, Run, RunFilter, RunStatus
from triage.errors import InvalidInput, TriageError
from triage.logs import configure_logs
from triage.services import Services, settle_in

POLL_S = 0.1
# How often a command that waits for another process looks whether that one is still there.
LOOK_FOR_OWNER_S = 1.0
INTERRUPTED = 130

RunId = Annotated[str, typer.Argument(help="The id of the run, as runs list shows it.")]
ApprovalId = Annotated[str, typer.Argument(help="The id of the approval, as approvals list shows it.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

# Plain text instead of boxes, and no stack traces with the values of variables: they hold what customers wrote.
app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Work with the triage console from the command line.",
)
runs_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look at runs.")
approvals_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look at approvals and decide on them.")
samples_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The sample records of the first start.")
app.add_typer(runs_app, name="runs")
app.add_typer(approvals_app, name="approvals")
app.add_typer(samples_app, name="samples")
app.add_typer(audit_app, name="audit")
app.add_typer(tokens_app, name="tokens")
app.command("import-traces")(import_traces_file)
app.command("openapi")(write_openapi)
add_data_commands(app)
app.add_typer(cases_app, name="cases")


def main() -> None:
    """Run the command line; an expected error is one sentence on standard error and exit status 1."""
    configure_logs(level=30)
    # A process that is asked to end does so like one that a person interrupts: it puts its work down properly.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app()
    except SystemExit as ending:
        if ending.code == INTERRUPTED:
            typer.echo("triage: Interrupted. What was accepted is kept; the next start goes on with it.", err=True)
        raise
    except TriageError as error:
        typer.echo(f"triage: {error}", err=True)
        sys.exit(1)


def _services_over_time(kind: str) -> Generator[Services, None, None]:
    """Yield services to look at again and again, and take the work over when its owner goes away."""
    while True:
        with _services(own=None, kind=kind) as services:
            look_at = time.monotonic() + LOOK_FOR_OWNER_S
            while True:
                yield services
                time.sleep(POLL_S)
                if not services.is_owner and time.monotonic() > look_at:
                    if not services.folder.is_taken():
                        break
                    look_at = time.monotonic() + LOOK_FOR_OWNER_S


@app.command()
def submit(
    text: Annotated[str, typer.Argument(help="What the customer wrote; - reads standard input.")],
    *,
    email: Annotated[str | None, typer.Option(help="The customer's e-mail address.")] = None,
    account: Annotated[str | None, typer.Option(help="The customer's account id, such as A-1042.")] = None,
    conversation: Annotated[str | None, typer.Option(help="Continue this conversation.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Return when the run has ended or waits for approval.")] = False,
    as_json: Json = False,
) -> None:
    """Submit a customer's message."""
    message = _read_text(text)
    sent = {"customer_email": email, "account_id": account, "conversation_id": conversation}
    if not wait:
        # The message is only queued: a console or worker does the work, now or when it is started.
        with _services() as services:
            _show(services, services.runs.submit(message, actor=COMMAND_LINE, **sent), as_json=as_json)
        return
    run: Run | None = None
    with closing(_services_over_time("command line")) as looks:
        for services in looks:
            run = services.runs.get(run.id) if run else services.runs.submit(message, actor=COMMAND_LINE, **sent)
            if run.status.is_final or run.status is RunStatus.AWAITING_APPROVAL:
                _show(services, run, as_json=as_json)
                return


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="A CSV or JSONL file of messages.", exists=True, dir_okay=False)],
    *,
    as_json: Json = False,
) -> None:
    """Submit every message of a file; wrong lines are reported and the others go in.

    The same file again adds nothing.
    """
    from triage.runs.importer import import_messages, read_messages  # noqa: PLC0415 - no other command needs it

    with _services() as services:
        parsed = read_messages(file.read_bytes(), name=file.name)
        report = import_messages(services.runs, parsed, actor=COMMAND_LINE)
    if as_json:
        print_json(
            {
                "accepted": report.accepted,
                "already_there": report.already_there,
                "errors": [{"line": item.line, "message": item.sentence} for item in report.errors],
            }
        )
    else:
        typer.echo(f"{report.accepted} accepted, {report.already_there} already there, {len(report.errors)} wrong.")
        for item in report.errors:
            typer.echo(f"  line {item.line}: {item.sentence}")
    if report.errors and not report.accepted + report.already_there:
        raise typer.Exit(code=1)


@app.command()
def worker(
    *,
    drain: Annotated[bool, typer.Option("--drain", help="Stop when the queue is empty.")] = False,
    as_json: Json = False,
) -> None:
    """Work off the queue without a console, unfinished runs of a killed process included."""
    if not drain:
        _work_until_stopped(as_json=as_json)
        return
    done = _drain()
    if as_json:
        print_json({"status": "drained", "runs": done})
    else:
        typer.echo(f"The queue is empty; {done} runs were worked on.")


@app.command()
def doctor(*, as_json: Json = False) -> None:
    """Check settings, folders, databases and the model endpoint, and say what to mend."""
    from triage.cli.doctor import run_checks  # noqa: PLC0415 - it imports everything there is

    checks = run_checks()
    if as_json:
        print_json([check.model_dump() for check in checks])
    else:
        for check in checks:
            typer.echo(f"{'ok  ' if check.is_ok else 'MEND'}  {check.name}: {check.message}")
    if not all(check.is_ok for check in checks):
        raise typer.Exit(code=1)


@runs_app.command("list")
def list_runs(
    *,
    status: Annotated[RunStatus | None, typer.Option(help="Only runs with this status.")] = None,
    text: Annotated[str, typer.Option(help="Only runs whose message, customer or id has this text.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 50,
    as_json: Json = False,
) -> None:
    """List runs, newest first."""
    with _services() as services:
        runs = services.runs.list(RunFilter(statuses=(status,) if status else (), text=text), limit=limit)
        if as_json:
            print_json([run_as_json(services, run) for run in runs])
            return
        for run in runs:
            first = run.message.splitlines()[0][:70]
            typer.echo(f"{run.id}  {run.status.value:<17}  {run.urgency or '-':<8}  {first}")
        if not runs and (status or text):
            typer.echo("No run has this status and this text.")
        elif not runs:
            typer.echo("No runs yet. Submit a message: python -m triage submit TEXT --wait")


@runs_app.command("show")
def show_run(run_id: RunId, *, as_json: Json = False) -> None:
    """Show one run."""
    with _services() as services:
        _show(services, services.runs.get(run_id), as_json=as_json)


@approvals_app.command("list")
def list_approvals(
    *,
    all_: Annotated[bool, typer.Option("--all", help="Decided ones as well.")] = False,
    as_json: Json = False,
) -> None:
    """List the actions that wait for a decision, the oldest first."""
    with _services() as services:
        approvals = services.approvals.list(statuses=tuple(ApprovalStatus)) if all_ else services.approvals.list()
        if as_json:
            print_json([approval_as_json(approval) for approval in approvals])
            return
        for approval in approvals:
            typer.echo(f"{approval.id}  {approval.status.value:<9}  {approval.summary}")
        if not approvals:
            typer.echo("Nothing waits for a decision.")


@approvals_app.command("approve")
def approve(approval_id: ApprovalId, *, as_json: Json = False) -> None:
    """Let an action happen."""
    with _services() as services:
        approval = services.approvals.approve(approval_id, actor=COMMAND_LINE)
        print_json(approval_as_json(approval)) if as_json else typer.echo(f"Approved: {approval.summary}")


@approvals_app.command("reject")
def reject(
    approval_id: ApprovalId,
    *,
    reason: Annotated[str, typer.Option(help="Why; the agents take it into account.")],
    as_json: Json = False,
) -> None:
    """Refuse an action."""
    with _services() as services:
        approval = services.approvals.reject(approval_id, actor=COMMAND_LINE, reason=reason)
        print_json(approval_as_json(approval)) if as_json else typer.echo(f"Rejected: {approval.summary}")


@samples_app.command("remove")
def remove_samples(*, as_json: Json = False) -> None:
    """Remove the sample accounts and orders for good."""
    with _services() as services:
        removed = services.samples.remove(actor=COMMAND_LINE)
        print_json({"removed": removed}) if as_json else typer.echo(f"{removed} sample records removed.")


def _read_text(text: str) -> str:
    if text != "-":
        return text
    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput("Standard input is not UTF-8 text. Convert it, for example with iconv.") from None


def _work_until_stopped(*, as_json: bool) -> None:
    with _services(own=True, kind="worker"):
        settle_in()
        if not as_json:
            typer.echo("Working on the queue. Stop with Ctrl-C; unfinished runs go on with the next start.")
        with suppress(KeyboardInterrupt):
            signal.pause()
    print_json({"status": "stopped"}) if as_json else typer.echo("Stopped.")


def _drain() -> int:
    """Work, or let the owner work, until the queue is empty; return how many runs came to their end or to a pause."""
    with _services() as services:
        # Before the work begins: a quick run may have ended by the first look at it.
        settled_before, _ = _settled(services)
    with closing(_services_over_time("worker")) as looks:
        for services in looks:
            settled, unfinished = _settled(services)
            if not unfinished:
                return settled - settled_before
    raise AssertionError("The looks never end by themselves.")


def _settled(services: Services) -> tuple[int, int]:
    """Return how many runs there are that nothing has to be done for now, and how many others."""
    counts = services.runs.counts()
    unfinished = counts[RunStatus.QUEUED] + counts[RunStatus.RUNNING]
    return counts["all"] - unfinished, unfinished


def _show(services: Services, run: Run, *, as_json: bool) -> None:
    if as_json:
        print_json(run_as_json(services, run))
    else:
        print_run(services, run)
