"""Run the benchmarks: ``python -m bench`` all of them, ``python -m bench NAME ...`` some; see docs/benchmarks.md."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from bench.desk import clean_environment
from bench.figures import Figure, machine, print_figures


def _overhead() -> None:
    from bench import overhead  # noqa: PLC0415 - each part loads what it needs

    print_figures("What the product adds to one run (3 model calls, 2 tools)", overhead.measure())


def _tracing() -> None:
    from bench import tracing  # noqa: PLC0415

    measured = tracing.measure()
    print_figures("Tracing", [_tracing_figure(name, value) for name, value in measured.items()])


def _tracing_figure(name: str, value: float) -> Figure:
    """Return a figure of bench/tracing.py with its unit and aim."""
    if name == "spans per second until queryable":
        return Figure(name, value, "1/s", aim=20_000, at_least=True)
    if name == "spans lost":
        return Figure(name, value, "", aim=0)
    aim = 50.0 if name.startswith("us per finished span") else None
    return Figure(name.replace("us per", "time per", 1), value, "us", aim=aim)


def _traces() -> None:
    from bench import traces  # noqa: PLC0415

    print_figures("Reading the trace store at scale", traces.measure(SPANS["traces"]))


def _latency() -> None:
    from bench import latency  # noqa: PLC0415

    print_figures("What somebody who watches waits for", latency.measure())


def _crowd() -> None:
    from bench import crowd  # noqa: PLC0415

    print_figures("Many runs at once", crowd.measure())


def _crowd_api() -> None:
    from bench import crowd_api  # noqa: PLC0415

    print_figures("Many clients of the HTTP API at once", crowd_api.measure())


def _approvals() -> None:
    from bench import approvals  # noqa: PLC0415

    print_figures("A full queue of approvals", approvals.measure())


def _trace_page() -> None:
    from bench import trace_page  # noqa: PLC0415

    print_figures("The traces page", trace_page.measure())


def _startup() -> None:
    from bench import startup  # noqa: PLC0415

    print_figures("Start and memory", startup.measure())


def _eval_offline() -> None:
    from bench import eval_offline  # noqa: PLC0415

    print()
    eval_offline.print_report()


def _pii() -> None:
    from bench import pii  # noqa: PLC0415

    print_figures("What redaction finds", pii.measure())


SPANS = {"traces": 1_000_000}
PARTS: dict[str, Callable[[], None]] = {
    "overhead": _overhead,
    "tracing": _tracing,
    "traces": _traces,
    "latency": _latency,
    "crowd": _crowd,
    "crowd_api": _crowd_api,
    "approvals": _approvals,
    "trace_page": _trace_page,
    "startup": _startup,
    "pii": _pii,
    "eval_offline": _eval_offline,
}


def _write_history(arguments: list[str]) -> None:
    """Put a made-up history into the trace store of a data folder, for trying the pages with it."""
    from bench.history import Plan, write  # noqa: PLC0415
    from storage.traces.store import TraceStore  # noqa: PLC0415
    from triage.domain import utc_now  # noqa: PLC0415

    parser = argparse.ArgumentParser(prog="python -m bench history", description=_write_history.__doc__)
    parser.add_argument("--spans", type=int, default=100_000, help="about how many spans; 100,000 when not given")
    parser.add_argument("--days", type=int, default=30, help="how many days up to now they spread over")
    parser.add_argument("--seed", type=int, default=1, help="another number gives another history")
    parser.add_argument("--data-dir", type=Path, required=True, help="the data folder; no console may have it open")
    chosen = parser.parse_args(arguments)
    store = TraceStore.open(chosen.data_dir / "traces.duckdb")
    try:
        until = utc_now().replace(minute=0, second=0, microsecond=0)
        plan = Plan.of_spans(chosen.spans, days=chosen.days, seed=chosen.seed, until=until)
        runs, spans = write(store, plan)
    finally:
        store.close()
    print(f"{runs:,} runs with {spans:,} spans are in {chosen.data_dir}.")


def main() -> None:
    """Print the machine, then each part's table."""
    if sys.argv[1:2] == ["history"]:
        _write_history(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(prog="python -m bench", description="Run the benchmarks.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(PARTS)}; all when there is none")
    parser.add_argument("--spans", type=int, default=SPANS["traces"], help="how many spans the part traces reads")
    chosen = parser.parse_args()
    names, SPANS["traces"] = chosen.names, chosen.spans
    if unknown := set(names) - set(PARTS):
        parser.error(f"There is no benchmark named {', '.join(sorted(unknown))}.")
    clean_environment()
    print(machine())
    for name in names or PARTS:
        PARTS[name]()


if __name__ == "__main__":
    main()
