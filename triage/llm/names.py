"""Names that the models, the team and the price list agree on."""

from __future__ import annotations

from typing import Literal, get_args

ModelRole = Literal["triage", "specialist", "writer", "guardrail"]
ROLES: tuple[ModelRole, ...] = get_args(ModelRole)
OFFLINE_MODEL_NAME = "offline-rules"
