"""Builds everything from the settings; the one place where triage meets storage."""

from __future__ import annotations

from triage.services.bundle import Services
from triage.services.keeping import open_keeper, restore
from triage.services.opening import check_orders, open_services, settle_in, try_traces

__all__ = ["Services", "check_orders", "open_keeper", "open_services", "restore", "settle_in", "try_traces"]
