"""Two teams on one desk, with agents that work and traces that are kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.access.attempts import place, visible
from tests.access.conftest import OTHER_TEAM
from tests.runs.conftest import settled
from triage.access.people import PeopleService
from triage.domain import Actor, Conversation, QueueFilter, Role, Run, RunFilter
from triage.errors import Conflict, InvalidInput, NotAllowed, NotFound
from triage.llm.offline import OfflineModel
from triage.services import Services, open_services
from triage.settings import Settings

QUESTION = "How do I add a seat to our plan?"
LEE = Actor(name="lee", team="support")
BO = Actor(name="bo", team=OTHER_TEAM)
RITA = Actor(name="rita", role=Role.REVIEWER, team="support")
MONA = Actor(name="mona", role=Role.MANAGER)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    settings = Settings(_env_file=None, data_dir=tmp_path_factory.mktemp("teams") / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(OfflineModel.__init__.__kwdefaults__, "words_per_second", None)  # type: ignore[arg-type]
        opened = open_services(settings, kind="test")
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def runs(desk: Services) -> dict[str, Run]:
    """A finished run of each team."""
    done = {who.team: settled(desk, desk.runs.submit(QUESTION, actor=who)) for who in (LEE, BO)}
    desk.settle_traces()
    return done


def test_what_somebody_submits_is_of_their_team(desk: Services, runs: dict[str, Run]) -> None:
    for team, run in runs.items():
        conversation = desk.as_seen_by(MONA).conversations.get(run.conversation_id)
        assert (run.team, conversation.team) == (team, team)
        assert desk.runs.retry(run.id, actor=MONA).team == team


def test_lists_counts_and_search_hold_ones_own_team_only(desk: Services, runs: dict[str, Run]) -> None:
    mine, others = runs["support"], runs[OTHER_TEAM]
    for who, sees, not_there in ((LEE, mine, others), (RITA, mine, others), (BO, others, mine)):
        seen = desk.as_seen_by(who).runs
        for query in (None, RunFilter(text="seat"), RunFilter(text=not_there.id), RunFilter(team=not_there.team)):
            ids = {run.id for run in seen.list(query)}
            assert not_there.id not in ids
            assert (sees.id in ids) is (query is None or query.text in ("seat", ""))
        assert seen.counts(RunFilter(text=not_there.id))["all"] == 0
        assert seen.counts()["all"] < desk.as_seen_by(MONA).runs.counts()["all"]
    assert {mine.id, others.id} <= visible(desk, MONA)


def test_a_trace_is_its_runs(desk: Services, runs: dict[str, Run]) -> None:
    mine, others = runs["support"], runs[OTHER_TEAM]
    traces = desk.as_seen_by(LEE).traces
    assert traces.find(mine.trace_id) is not None
    (first, *_) = traces.spans(mine.trace_id)
    assert isinstance(traces.content(mine.trace_id, first.span_id), dict)
    assert traces.of_conversation(mine.conversation_id)[0].run_id == mine.id
    assert traces.find(others.trace_id) is None
    assert traces.of_conversation(others.conversation_id) == []
    said = []
    for trace_id in (others.trace_id, "trace_none"):
        for ask in (traces.spans, lambda wanted: traces.content(wanted, "span_1")):
            with pytest.raises(NotFound) as refused:
                ask(trace_id)
            said.append(str(refused.value))
    assert len(set(said)) == 1
    with pytest.raises(NotAllowed):
        _ = traces.search
    assert desk.as_seen_by(MONA).traces.find(others.trace_id) is not None


def test_another_teams_id_is_answered_like_one_that_is_not_there(desk: Services, runs: dict[str, Run]) -> None:
    others, seen = runs[OTHER_TEAM], desk.as_seen_by(LEE)
    for ask, known in ((seen.runs.get, others.id), (seen.conversations.get, others.conversation_id)):
        said = []
        for asked in (known, "x_none"):
            with pytest.raises(NotFound) as refused:
                ask(asked)
            said.append(str(refused.value).replace(asked, "ID"))
        assert said[0] == said[1]
    for asked in (others.id, "run_none"):
        with pytest.raises(NotFound, match=asked):
            desk.runs.cancel(asked, actor=LEE)
    assert desk.releases.refusal(others.id, actor=RITA) == desk.releases.refusal("run_none", actor=RITA)


def test_the_queue_counts_ones_own_team_only(client: Services) -> None:
    mine, others = (place(client, team, name="queue") for team in ("support", OTHER_TEAM))
    for who, own, other in ((RITA, mine, others), (BO, others, mine)):
        view = client.as_seen_by(who).approvals.queue(QueueFilter(), limit=100)
        ids = {approval.id for approval in view.approvals}
        assert own.approval in ids
        assert other.approval not in ids
        assert view.counts.waiting == len(ids) == sum(view.counts.tools.values())
        assert client.as_seen_by(who).approvals.count_open() == len(ids)
        with pytest.raises(NotFound):
            client.as_seen_by(who).approvals.brief(other.approval)
        assert other.approval in str(client.approvals.refusal(client.approvals.get(other.approval), actor=who))
    (outcome,) = client.approvals.decide_many([others.approval], actor=RITA, decision="approve")
    assert outcome.problem == f"There is no approval {others.approval}."
    whole = client.as_seen_by(MONA).approvals.queue(QueueFilter(), limit=100)
    assert {mine.approval, others.approval} <= {approval.id for approval in whole.approvals}


def test_a_conversation_of_another_team_cannot_be_continued_and_a_managers_word_stays_with_its_team(
    client: Services,
) -> None:
    first = client.runs.submit("Hello", actor=BO, conversation_id="case-4711")
    with pytest.raises(NotFound, match="no conversation case-4711"):
        client.runs.submit("Hello", actor=LEE, conversation_id="case-4711")
    again = client.runs.submit("And another thing", actor=MONA, conversation_id="case-4711")
    assert (first.team, again.team) == (OTHER_TEAM, OTHER_TEAM)
    conversation: Conversation = client.as_seen_by(BO).conversations.get("case-4711")
    assert [run.id for run in client.as_seen_by(BO).conversations.runs(conversation.id)] == [first.id, again.id]


def test_the_same_key_of_two_teams_is_two_keys(client: Services) -> None:
    mine = client.runs.submit("Mine", actor=LEE, idempotency_key="order-1")
    others = client.runs.submit("Theirs", actor=BO, idempotency_key="order-1")
    assert mine.id != others.id
    assert client.runs.submit("Mine", actor=RITA, idempotency_key="order-1").id == mine.id
    assert client.runs.submit("Theirs", actor=BO, idempotency_key="order-1").id == others.id
    with pytest.raises(InvalidInput, match="cannot be printed"):
        client.runs.submit("Guessed", actor=LEE, idempotency_key=f"{OTHER_TEAM}\x1forder-1")
    client.runs.submit("Hello", actor=BO, conversation_id="case-9")
    client.runs.submit("Theirs too", actor=MONA, conversation_id="case-9", idempotency_key="order-2")
    with pytest.raises(Conflict, match="choose another one"):
        client.runs.submit("Mine", actor=LEE, idempotency_key="order-2")


def test_removing_a_person_ends_what_they_see(client: Services, people_file: Path) -> None:
    people_file.write_text('[people]\n"lee@example.com" = "operator"\n', encoding="utf-8")
    people = PeopleService(client.settings.model_copy(update={"people_file": people_file}))
    claims = {"email": "lee@example.com"}
    assert client.as_seen_by(people.actor_from_claims(claims)).runs.list(limit=1) is not None
    people_file.write_text("[people]\n", encoding="utf-8")
    with pytest.raises(NotAllowed):
        people.actor_from_claims(claims)
