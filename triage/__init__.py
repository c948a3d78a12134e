"""The domain: the team of agents, its runs, approvals and traces; it knows the SDK, never Streamlit, never SQL."""
