"""The command line ``python -m triage``."""
