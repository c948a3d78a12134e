"""The command line: ``python -m triage``."""

from __future__ import annotations

from triage.cli.app import main

if __name__ == "__main__":
    main()
