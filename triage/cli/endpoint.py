"""Asks the model endpoint whether it answers to the key."""

from __future__ import annotations

from openai import APIConnectionError, APIStatusError, OpenAI

from triage.errors import SettingsError
from triage.settings import Settings

TIMEOUT_S = 10.0
_UNAUTHORIZED = (401, 403)


def check_endpoint(settings: Settings) -> str:
    """Return a sentence about the model endpoint.

    Raises:
        SettingsError: it does not answer, or refuses the key.
    """
    if settings.openai_api_key is None:
        return "No OPENAI_API_KEY is set, so the offline engine answers."
    client = OpenAI(
        api_key=settings.openai_api_key.get_secret_value(),
        base_url=settings.openai_base_url,
        timeout=TIMEOUT_S,
        max_retries=0,
    )
    host = client.base_url.host
    try:
        client.models.list()
    except APIConnectionError:
        raise SettingsError(
            f"The model endpoint {host} cannot be reached. Check OPENAI_BASE_URL and the network."
        ) from None
    except APIStatusError as error:
        if error.status_code in _UNAUTHORIZED:
            raise SettingsError(f"The model endpoint {host} refuses the key. Check OPENAI_API_KEY.") from None
        return f"The model endpoint {host} answers (its list of models is not available: {error.status_code})."
    finally:
        client.close()
    return f"The model endpoint {host} answers and accepts the key; TRIAGE_MODEL is {settings.model}."
