"""Runs: accepting messages, running segments durably, telling what happens."""
