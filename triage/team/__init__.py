"""The agents of the support desk: topology, instructions, tools, guardrails and results."""
