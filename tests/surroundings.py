"""The environment for processes that a test starts."""

from __future__ import annotations

import os
from pathlib import Path

from triage.settings import Settings


def clean_environment(data_dir: Path, **variables: str) -> dict[str, str]:
    """Return this process's environment with every setting given.

    A setting that is absent could come from a ``.env`` file of whoever runs the tests; one that is given cannot.
    """
    fields = Settings.model_fields.values()
    defaults = {str(field.alias): _written(field.get_default(call_default_factory=True)) for field in fields}
    return {**os.environ, **defaults, "TRIAGE_DATA_DIR": str(data_dir), "PYTHONUNBUFFERED": "1", **variables}


def _written(value: object) -> str:
    if value is None or value == []:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
