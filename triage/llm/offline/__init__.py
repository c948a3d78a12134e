"""The offline engine: a model that answers by written rules, without network and without a model key."""

from __future__ import annotations

from triage.llm.names import OFFLINE_MODEL_NAME
from triage.llm.offline.model import OfflineModel

__all__ = ["OFFLINE_MODEL_NAME", "OfflineModel"]
