"""Finds what tells who a person is, and secrets, and takes them out of text."""
