"""Approvals: which tool calls wait for a person, and what a decision does."""
