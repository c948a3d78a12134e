"""The audit log: what is written to it, and what managers read of it."""
