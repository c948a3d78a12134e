"""The picture of the team, as a Graphviz graph that is drawn in the browser."""

from __future__ import annotations

from typing import Any

from pages.components.words import words

_LIGHT = {"text": "#12232B", "line": "#5B6773", "box": "#F4F6F8", "border": "#DDE3E8", "accent": "#0F766E"}
_DARK = {"text": "#E6EDF1", "line": "#93A4AF", "box": "#18232A", "border": "#2B3A43", "accent": "#4FC9BE"}


def team_map(team: Any, *, dark: bool) -> str:
    """Return the team in the DOT language: a box for each agent, an arrow for each way from one to another."""
    colours = _DARK if dark else _LIGHT
    lines = [
        "digraph team {",
        'graph [bgcolor="transparent", rankdir=TB, nodesep=0.16, ranksep=0.4, margin=0];',
        'node [shape=box, style="rounded,filled", fontname="sans-serif", fontsize=13, margin="0.1,0.07"];',
        f'node [fillcolor="{colours["box"]}", color="{colours["border"]}", fontcolor="{colours["text"]}"];',
        f'edge [color="{colours["line"]}", fontcolor="{colours["line"]}", arrowsize=0.6];',
        'edge [fontname="sans-serif", fontsize=10];',
    ]
    reached = {entry.agent for agent in team.agents for entry in agent.handoffs} | {team.entry}
    for agent in team.agents:
        border = f', color="{colours["accent"]}", penwidth=2' if agent.name == team.entry else ""
        style = "" if agent.name in reached else ', style="rounded,dashed"'
        lines.append(f"{_quoted(agent.name)} [label={_quoted(_label(agent))}{border}{style}];")
    for agent in team.agents:
        lines += [f"{_quoted(agent.name)} -> {_quoted(entry.agent)};" for entry in agent.handoffs]
    lines += [f"{line};" for line in _uses(team, reached)]
    return "\n".join([*lines, "}"])


def _uses(team: Any, reached: set[str]) -> list[str]:
    """Return a dashed line to every agent that works for others instead of being handed the conversation."""
    lines = []
    for agent in team.agents:
        if agent.name in reached:
            continue
        checks = [other.name for other in team.agents for g in other.guardrails if g.name == agent.name]
        users = checks or [team.entry]
        word = "checks" if checks else "writes for all"
        lines += [
            f'{_quoted(user)} -> {_quoted(agent.name)} [style=dashed, dir=none, label="{word}"]' for user in set(users)
        ]
    return lines


def _label(agent: Any) -> str:
    tools = len(agent.tools)
    return (
        f"{agent.name}\n{tools} {'tool' if tools == 1 else 'tools'}" if tools else f"{agent.name}\n{words(agent.role)}"
    )


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
