"""Persistence: it knows SQL, never the SDK, never Streamlit."""
