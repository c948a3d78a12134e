"""What somebody who watches a run sees while it is written, cancelled, or while the console stops and starts."""

from __future__ import annotations

import threading

import pytest

from tests.protocol.product import OPERATOR, TEAM_MODEL, WRITER_MODEL, Product, first_from, until
from tests.protocol.test_runs_stories import INVOICES
from tests.servers.model_script import Reply
from triage.domain import EventKind, RunStatus

pytestmark = pytest.mark.protocol


def test_the_reply_is_shown_piece_by_piece_as_the_model_sends_it(product: Product) -> None:
    gates = {1: threading.Event(), 2: threading.Event()}
    pieces = ("Dear Dana, ", "we look into it ", "right now.")
    product.server.brain = first_from(WRITER_MODEL, Reply(pieces=pieces, gates=gates))
    run = product.submit(INVOICES)
    until(lambda: product.shown_text(run) == "Dear Dana, ", what="the first piece alone")
    assert product.services.runs.get(run.id).status is RunStatus.RUNNING
    gates[1].set()
    until(lambda: product.shown_text(run) == "Dear Dana, we look into it ", what="the first two pieces")
    gates[2].set()
    run = product.settled(run)
    assert product.shown_text(run) == "".join(pieces) == run.reply


def test_cancelling_in_the_middle_of_the_reply_stops_everything(product: Product) -> None:
    product.server.brain = first_from(WRITER_MODEL, Reply(pieces=("Dear ", "Dana"), fault="hang", fault_at=1))
    run = product.submit(INVOICES)
    until(lambda: product.shown_text(run) == "Dear ", what="the first piece")
    product.services.runs.cancel(run.id, actor=OPERATOR)
    assert product.server.hung_up.wait(10), "The model went on talking to nobody."
    product.idle()
    run = product.services.runs.get(run.id)
    assert (run.status, run.reply, run.result) == (RunStatus.CANCELLED, None, None)
    # What the finished calls had cost stays on the run.
    assert run.usage.requests == len(product.server.requests) - 1
    told = product.kinds(run)
    assert told.count(EventKind.RUN_CANCELLED) == 1
    assert product.recorded_run(run)["status"] == "cancelled"
    assert product.run(INVOICES).status is RunStatus.COMPLETED, "The next run is not disturbed."
    assert product.kinds(run) == told, "Something was told after the end."


@pytest.mark.parametrize("model", [TEAM_MODEL, WRITER_MODEL])
def test_a_run_goes_on_after_the_console_was_stopped_in_the_middle_of_a_model_call(
    product: Product, model: str
) -> None:
    product.server.brain = first_from(model, Reply(text="Not to the end", fault="hang", fault_at=1))
    run = product.submit(INVOICES)

    def is_talking() -> bool:
        return any(request.model == model for request in product.server.requests)

    until(is_talking, what=f"the call of {model}")
    product.close()
    assert product.server.hung_up.wait(10), "The call went on without the console."
    product.reopen()
    assert not product.services.runs.get(run.id).status.is_final
    run = product.settled(run)
    assert (run.status, run.degraded, run.failure) == (RunStatus.COMPLETED, False, None)
    # Only the call that was cut off is made twice; finished ones come from the record.
    assert len(product.server.requests) == run.usage.requests + 1
    assert not {EventKind.MODEL_FELL_BACK, EventKind.MODEL_RETRIED} & set(product.kinds(run))
    assert product.shown_text(run) == run.reply
    assert [event.seq for event in product.events(run)] == list(range(1, len(product.events(run)) + 1))
