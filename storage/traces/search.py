"""Brings the words of the traces into their index, and finds traces by words."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from storage.traces.words import WordIndex, words_of

PARTS_AT_ONCE = 2_000

# What a part says: of a model call its answer, and of the first also what it was asked, but not the instructions, which
# are the same in each. What was said before comes in the spans that said it. Escapes of JSON are no letters.
_TEXTS = r"""
    with said as (
        select span_contents.part_no, span_contents.span_id, content, is_model_call,
            row_number() over (
                partition by span_contents.part_no, is_model_call order by span_contents.started_at
            ) as nth
        from span_contents
        join (select part_no, span_id, coalesce(is_model_call, false) as is_model_call from spans
            where part_no > $after and part_no <= $last) spans
            on spans.part_no = span_contents.part_no and spans.span_id = span_contents.span_id
        where span_contents.part_no > $after and span_contents.part_no <= $last
    ),
    texts as (
        select part_no, case
            when not is_model_call then content
            when nth > 1 then coalesce((content::json->'$.output')::varchar, '')
            else concat_ws(' ', content::json->'$.output', case
                when json_type(content::json, '$.input') = 'ARRAY' then list_filter(
                    (content::json->'$.input[*]')::varchar[],
                    lambda item: not regexp_matches(item, '"role":"(system|developer)"')
                )::varchar
                else (content::json->'$.input')::varchar
            end)
        end as text
        from said
        union all
        select part_no, concat_ws(' ', name, error) from spans
        where part_no > $after and part_no <= $last and (error is not null or kind = 'custom')
        union all
        select parts.part_no, runs.excerpt
        from parts join runs on runs.trace_key = parts.trace_key
        where part_no > $after and part_no <= $last and span_count = 0
    )
    select part_no, string_agg(regexp_replace(text, '\\+(u[0-9a-fA-F]{4}|.)', ' ', 'g'), ' ') as text
    from texts group by part_no
"""


def index_words(cursor: duckdb.DuckDBPyConnection, index: WordIndex) -> bool:
    """Bring the words of the next parts into the index; return whether more of them wait."""
    after, key = index.mark
    if (
        after
        and not cursor.execute(
            "select 1 from parts where part_no = $after and trace_key = $key", {"after": after, "key": key}
        ).fetchall()
    ):
        # The index belongs to another store than the one that is here now.
        index.clear()
        after = 0
    found = cursor.execute(
        "select part_no, trace_key from parts where part_no > $after order by part_no limit $limit",
        {"after": after, "limit": PARTS_AT_ONCE},
    ).fetchall()
    if not found:
        return False
    texts = cursor.execute(_TEXTS, {"after": after, "last": found[-1][0]}).fetchall()
    index.add(texts, mark=found[-1])
    return len(found) == PARTS_AT_ONCE


def traces_with(cursor: duckdb.DuckDBPyConnection, index: WordIndex, text: str) -> list[pa.Table]:
    """Return for each word of a text the traces that have it, as a table with ``trace_key``.

    Parts that came in a moment ago and are not in the index yet are read themselves.
    """
    words = words_of(text)
    if not words:
        return []
    after, _ = index.mark
    found = [index.find(word) for word in words]
    rest = cursor.execute("select count(*) from parts where part_no > ?", [after]).fetchall()
    if rest != [(0,)]:
        more = [_parts_not_indexed(cursor, word, after=after) for word in words]
        found = [np.append(both[0], np.array(both[1], np.int64)) for both in zip(found, more, strict=True)]
    # Whose part it is, is looked up here: joining a million numbers would take the database three times as long.
    parts = cursor.execute("select part_no, trace_key from parts").to_arrow_table()
    numbers, keys = parts["part_no"].to_numpy(), parts["trace_key"].to_numpy()
    return [pa.table({"trace_key": keys[np.isin(numbers, wanted)]}) for wanted in found]


def _parts_not_indexed(cursor: duckdb.DuckDBPyConnection, word: str, *, after: int) -> list[int]:
    end = "" if word.endswith("*") else r"([^\pL\pN]|$)"
    rows = cursor.execute(
        f"select part_no from ({_TEXTS}) where regexp_matches(strip_accents(lower(text)), $pattern)",
        {"after": after, "last": 2**62, "pattern": rf"(^|[^\pL\pN]){word.removesuffix('*')}{end}"},
    )
    return [number for (number,) in rows.fetchall()]
