"""Spans that were finished elsewhere: files of them, and other programs that write while the console runs.

It is looked at before it comes near the trace store, and ``TRIAGE_TRACE_CONTENT`` holds for it as well.
"""
