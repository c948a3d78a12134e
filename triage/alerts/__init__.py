"""Alerts and budgets: rules on the figures of the desk, their states, and what may be spent."""
