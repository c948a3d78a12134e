"""Finished spans on their way to an OpenTelemetry collector of the operator's choice, and spans that came from one."""
