"""What people decided and corrected: approvals by tool and reviewer, labels as the agents gave them and as they are."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.components import words
from pages.components.chart_card import card, chart_card
from pages.components.charts import PALETTE, Mark, matrix, ranked_bars
from pages.components.numbers import share, trend_of_count, trend_of_share, trend_of_time
from pages.components.overview_view import View
from pages.components.text import plain
from triage.domain import Category, Urgency
from triage.domain.people_measures import ApprovalFigures, LabelMatrix
from triage.measures.people import READ_WORDS_PER_MINUTE
from triage.measures.topics import PeopleTopic

OUTCOMES = {
    "approved": ("Approved", PALETTE[0]),
    "edited": ("Edited and approved", PALETTE[1]),
    "open": ("Waiting", PALETTE[2]),
    "rejected": ("Rejected", PALETTE[4]),
    "expired": ("Expired", PALETTE[3]),
    "cancelled": ("Cancelled", PALETTE[5]),
}
READING = (
    f"The brief is read at {READ_WORDS_PER_MINUTE} words a minute: the customer's message, the summary, the proposed"
    " arguments and the sentence of the rule. The time for it is from the person's claim to the decision, or from the"
    " request where nobody claimed it."
)
_NO_LABEL = "No label"


def draw_people(view: View, people: PeopleTopic) -> None:
    """Draw the part on approvals and labels."""
    hurry_notice(people.approvals)
    approval_row(people)
    left, right = st.columns(2)
    with left:
        tool_card(view, people)
    with right:
        label_card(view, people)
    figures_table(view, people.tools, by="tool", note="by the time of the request; half took at most the times here")
    note = "by the time of the request" if people.sees_everybody else "only your own; managers see everybody's"
    figures_table(view, people.reviewers, by="reviewer", note=note)


def hurry_notice(figures: ApprovalFigures) -> None:
    """Warn where decisions come faster than the brief can be read."""
    if figures.hurried:
        said = (
            f"{figures.hurried:,} of {words.count(figures.decided, 'decision')} came sooner than the brief can be read."
        )
        st.warning(f"**{plain(said)}** {READING}", icon=":material/speed:")


def approval_row(people: PeopleTopic) -> None:
    """Draw the numbers of all approvals with their change."""
    now, before = people.approvals, people.approvals_before
    of = (now.decided, before.decided)
    (claim, claim_before), (decide, decide_before) = (now.to_claim, before.to_claim), (now.to_decide, before.to_decide)
    with st.grid(6, min_column_width=120, gap="small"):
        for name, value, trend, said in (
            ("Asked", f"{now.asked:,}", trend_of_count(now.asked, before.asked),
             f"Actions that people were asked about; {people.let_pass:,} more were let pass by a policy."),
            ("Approved", share(now.approval_rate), trend_of_share(now.approval_rate, before.approval_rate, of=of),
             f"Of {words.count(now.decided, 'decision')}, as proposed or edited."),
            ("Edited", share(now.edit_rate), trend_of_share(now.edit_rate, before.edit_rate, of=of),
             f"{now.edited:,} actions were changed and approved, {now.rejected:,} rejected."),
            ("Expired", share(now.expiry_rate), trend_of_share(now.expiry_rate, before.expiry_rate, of=of),
             f"{now.expired:,} were decided by nobody in time."),
            ("Time to claim", words.duration(claim.p50_ms) or "none yet",
             trend_of_time(claim.p50_ms, claim_before.p50_ms, of=(claim.count, claim_before.count)),
             f"Half of the {claim.count:,} that were claimed: from the request to the first claim."),
            ("Time to decide", words.duration(decide.p50_ms) or "none yet",
             trend_of_time(decide.p50_ms, decide_before.p50_ms, of=(decide.count, decide_before.count)),
             f"Half of the {decide.count:,} that were decided: from the request to the decision."),
        ):  # fmt: skip
            st.metric(name, value, trend, help=said, border=True, height="stretch", delta_color="off")


def tool_card(view: View, people: PeopleTopic) -> None:
    """Draw what became of the actions of each tool."""
    names = words.tool_names(str(tool.name) for tool in people.tools)
    series = {
        name: {
            names[str(tool.name)]: Mark(
                getattr(tool, field),
                f"{names[str(tool.name)]}: {words.count(getattr(tool, field), 'action')}, {name.lower()}",
                view.address(tools=(tool.name,)),
            )
            for tool in people.tools
        }
        for field, (name, _) in OUTCOMES.items()
    }
    asked = people.approvals.asked
    chart_card(
        "Approvals by tool, by what became of them",
        f"{words.count(asked, 'action')} that people were asked about, by the time of the request",
        ranked_bars(series, colours=dict(OUTCOMES.values()), rows=list(names.values())),
        key="approvals",
        rows=people.tools,
        alt=f"Bars: {words.count(asked, 'approval')} in {view.range.words} by tool and by what became of them.",
        empty="Nobody was asked for an approval in this time.",
        links=[(names[text], to) for text, to in view.links("tools", names)],
    )


def label_card(view: View, people: PeopleTopic) -> None:
    """Draw the labels by the agents against those in force."""
    picked = st.session_state.get("label") or "Category"
    labels = people.category if picked == "Category" else people.urgency
    names = _label_names(labels)
    fields = {
        (_named(pair.said, names), _named(pair.now, names)): Mark(
            pair.runs,
            f"{words.count(pair.runs, 'run')}: {_named(pair.said, names)} by the agents, {_named(pair.now, names)} now",
        )
        for pair in labels.pairs
    }
    rows = [
        name for name in (*names.values(), _NO_LABEL) if name != _NO_LABEL or any(name in place for place in fields)
    ]
    by_category = [pair.now for pair in labels.pairs] if labels.label == "category" else []
    chart_card(
        f"Corrections of the {labels.label}, runs",
        f"{labels.corrected:,} of {words.count(labels.runs, 'label')} corrected ({share(labels.correction_rate)}); "
        "orange is what people changed",
        matrix(fields, rows=rows, columns=list(names.values())),
        key="labels",
        rows=labels.pairs,
        alt=f"Matrix: {labels.label} by the agents against the one in force in {view.range.words}, "
        f"{labels.corrected:,} of {labels.runs:,} corrected.",
        empty="No run has a label in this time.",
        links=view.links("categories", dict.fromkeys(by_category)),
        choices=["Category", "Urgency"],
        choice_key="label",
    )


def figures_table(view: View, rows: Sequence[ApprovalFigures], *, by: str, note: str) -> None:
    """Draw rates and times of each tool or reviewer as a table."""
    with card(f"Approvals by {by}", note, key=f"approvals_by_{by}", rows=rows):
        if not rows:
            st.caption("No decision in this time." if by == "reviewer" else "Nobody was asked in this time.")
            return
        names = words.tool_names(str(row.name) for row in rows) if by == "tool" else {}
        st.dataframe(
            {
                by.capitalize(): [names.get(str(row.name), row.name) for row in rows],
                "Decided": [row.decided for row in rows],
                "Approved": [share(row.approval_rate) for row in rows],
                "Edited": [share(row.edit_rate) for row in rows],
                "Rejected": [share(row.reject_rate) for row in rows],
                "Expired": [row.expired for row in rows],
                "To claim": [words.duration(row.to_claim.p50_ms) for row in rows],
                "To decide": [words.duration(row.to_decide.p50_ms) for row in rows],
                "In hand": [words.duration(row.in_hand.p50_ms) for row in rows],
                "Too fast": [row.hurried for row in rows],
            },
            hide_index=True,
            height="content",
            row_height=32,
            column_config={
                name: st.column_config.NumberColumn(format="localized") for name in ("Decided", "Expired", "Too fast")
            }
            | {
                name: st.column_config.TextColumn(alignment="right")
                for name in ("Approved", "Edited", "Rejected", "To claim", "To decide", "In hand")
            },
            alt=f"Table: rates and times of approvals by {by} in {view.range.words}.",
        )


def _label_names(labels: LabelMatrix) -> dict[str, str]:
    if labels.label == "category":
        return {category.value: words.category(category).text for category in Category}
    return {urgency.value: words.urgency(urgency).text for urgency in Urgency}


def _named(value: str | None, names: dict[str, str]) -> str:
    return names.get(value or "", value or _NO_LABEL)
