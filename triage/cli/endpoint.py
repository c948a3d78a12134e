"""Asks the model endpoint whether it answers to the key."""

from __future__ import annotations

from openai import APIConnectionError, APIStatusError, OpenAI

from triage.errors import SettingsError
from triage.llm.faults import why_lost
from triage.settings import LITELLM_PREFIX, Settings

TIMEOUT_S = 10.0
_UNAUTHORIZED = (401, 403)
_SCHEMES = ("http", "https")


def check_endpoint(settings: Settings) -> str:
    """Return a sentence about the model endpoint.

    Raises:
        SettingsError: it does not answer, or refuses the key.
    """
    if settings.openai_api_key is None:
        if settings.is_offline:
            return "No OPENAI_API_KEY is set, so the offline engine answers."
        return "No OPENAI_API_KEY is set, so only models that bring their own key are asked."
    client = OpenAI(
        api_key=settings.openai_api_key.get_secret_value(),
        base_url=settings.openai_base_url,
        timeout=TIMEOUT_S,
        max_retries=0,
    )
    host = client.base_url.host
    if client.base_url.scheme not in _SCHEMES or not host:
        client.close()
        raise SettingsError("OPENAI_BASE_URL is no address. Write it like http://localhost:8000/v1.")
    try:
        known = {model.id for model in client.models.list()}
    except APIConnectionError as error:
        raise SettingsError(
            f"The model endpoint {host} cannot be reached{why_lost(error)}. Check OPENAI_BASE_URL and the network."
        ) from None
    except APIStatusError as error:
        if error.status_code in _UNAUTHORIZED:
            raise SettingsError(f"The model endpoint {host} refuses the key. Check OPENAI_API_KEY.") from None
        return f"The model endpoint {host} answers (its list of models is not available: {error.status_code})."
    finally:
        client.close()
    return f"The model endpoint {host} answers and accepts the key; {_unlisted(settings, known)}."


def _unlisted(settings: Settings, known: set[str]) -> str:
    """Say which of the models in the settings the endpoint does not list; some servers list none and know them all."""
    named = {
        "TRIAGE_MODEL": settings.model,
        "TRIAGE_WRITER_MODEL": settings.writer_model,
        "TRIAGE_GUARDRAIL_MODEL": settings.guardrail_model,
    }
    missing = [
        f"{name} ({variable})"
        for variable, name in named.items()
        if name not in known and not name.startswith(LITELLM_PREFIX)
    ]
    return f"it does not list {', '.join(missing)}" if missing else "it lists the models of the settings"
