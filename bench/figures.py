"""What a benchmark returns, and how it is printed: value, unit, aim, and the machine that it was measured on."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psutil

CPU_FACTS = Path("/proc/cpuinfo")
PACKAGES = ("openai-agents", "streamlit", "dbos", "SQLAlchemy", "duckdb")


@dataclass(frozen=True)
class Figure:
    """One measured value; ``aim`` is the most it may be, or with ``at_least`` the least.

    ``note`` says in a few words what a reader would otherwise take wrongly.
    """

    what: str
    value: float
    unit: str
    aim: float | None = None
    at_least: bool = False
    note: str = ""

    @property
    def is_met(self) -> bool | None:
        """Whether the aim is met; None where there is none."""
        if self.aim is None:
            return None
        return self.value >= self.aim if self.at_least else self.value <= self.aim

    @property
    def verdict(self) -> str:
        """The aim and whether it is met, as a person reads it."""
        if self.aim is None:
            return ""
        sign = ">=" if self.at_least else "<="
        return f"{sign} {number(self.aim)} {'met' if self.is_met else 'NOT MET'}"


def number(value: float) -> str:
    """Return a value with about three digits."""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def machine() -> str:
    """Return processor, memory and versions; nothing that names the machine itself."""
    memory = psutil.virtual_memory().total / 2**30
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{_cpu()}, {os.cpu_count()} cores, {memory:.0f} GiB RAM, {platform.system()} {platform.machine()}\n"
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {versions}"
    )


def print_figures(title: str, figures: Sequence[Figure]) -> None:
    """Print a table of figures."""
    print(f"\n{title}")
    for figure in figures:
        value = f"{number(figure.value):>10} {figure.unit:10}"
        print(f"  {figure.what:58} {value} {figure.verdict:18} {figure.note}".rstrip())


def _cpu() -> str:
    if CPU_FACTS.exists():
        for line in CPU_FACTS.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or "unknown processor"
