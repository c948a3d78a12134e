"""Every setting of the product, read from the environment and from ``.env``, in one documented table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from triage.connectors.layout import read_layout
from triage.errors import SettingsError

PROJECT_DIR = Path(__file__).resolve().parent.parent
LITELLM_PREFIX = "litellm/"
_HEADER = re.compile(r"[\w!#$%&'*+.^`|~-]+=[\x20-\x7e]*", re.ASCII)
_KEY = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?", re.ASCII)
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?")
_TOKEN = re.compile(r"[\x21-\x7e]+", re.ASCII)
_WEB_ADDRESS = re.compile(r"https?://[^\s?#<>|]+")


class Settings(BaseSettings):
    """The settings; each field names its environment variable by its alias. Secrets are masked in ``repr``."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", populate_by_name=True)

    openai_api_key: SecretStr | None = Field(
        None, alias="OPENAI_API_KEY", description="Key of the model endpoint; without one the offline engine answers."
    )
    openai_base_url: str | None = Field(
        None, alias="OPENAI_BASE_URL", description="Address of any server that speaks the OpenAI protocol."
    )
    openai_api: Literal["responses", "chat_completions"] = Field(
        "responses", alias="TRIAGE_OPENAI_API", description="Which of the two OpenAI protocols the endpoint speaks."
    )
    model: str = Field("gpt-5.4", alias="TRIAGE_MODEL", description="Model of the triage agent and the specialists.")
    guardrail_model: str = Field(
        "gpt-5.4-nano", alias="TRIAGE_GUARDRAIL_MODEL", description="Small model of the input guardrail."
    )
    writer_model: str = Field("gpt-5.4-mini", alias="TRIAGE_WRITER_MODEL", description="Model that writes the reply.")
    fallback_models: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        alias="TRIAGE_FALLBACK_MODELS",
        description="Models to try, in order and separated by commas, when the first one does not answer.",
    )
    model_timeout_s: float = Field(
        60.0,
        gt=0,
        alias="TRIAGE_MODEL_TIMEOUT_S",
        description="Seconds without a word before a model call is given up.",
    )
    model_retries: int = Field(
        2, ge=0, le=10, alias="TRIAGE_MODEL_RETRIES", description="How often a failed model call is tried again."
    )
    guardrail_beside: bool = Field(
        default=False,
        alias="TRIAGE_GUARDRAIL_BESIDE",
        description="Run the input guardrail beside the team, not before it: faster, but a trip costs tokens.",
    )
    data_dir: Path = Field(Path("./data"), alias="TRIAGE_DATA_DIR", description="Folder for records, traces and spool.")
    database_url: str | None = Field(
        None,
        alias="TRIAGE_DATABASE_URL",
        description="Records in another database: a SQLAlchemy URL (SQLite or PostgreSQL).",
    )
    traces_url: str | None = Field(
        None, alias="TRIAGE_TRACES_URL", description="Trace store in another DuckDB file: its path."
    )
    kb_dir: Path | None = Field(
        None, alias="TRIAGE_KB_DIR", description="Folder with your own knowledge base articles (Markdown)."
    )
    secret_key: SecretStr | None = Field(
        None,
        alias="TRIAGE_SECRET_KEY",
        description="Signs paused runs and the end of the audit log, encrypts the secrets of webhooks; made and kept "
        "in the data folder when unset.",
    )
    trace_content: Literal["full", "redacted", "none"] = Field(
        "full", alias="TRIAGE_TRACE_CONTENT", description="How much of messages and tool calls the trace store keeps."
    )
    max_turns: int = Field(
        12, ge=1, le=100, alias="TRIAGE_MAX_TURNS", description="Turns after which a run is ended as failed."
    )
    max_concurrent_runs: int = Field(
        50, ge=1, le=1000, alias="TRIAGE_MAX_CONCURRENT_RUNS", description="How many runs work at the same time."
    )
    sample_records: bool = Field(
        default=True, alias="TRIAGE_SAMPLE_RECORDS", description="Load sample accounts and orders on the first start."
    )

    console_url: str = Field(
        "http://localhost:8501",
        alias="TRIAGE_CONSOLE_URL",
        description="Address under which people open the console; links in notices begin with it.",
    )
    webhook_allow: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        alias="TRIAGE_WEBHOOK_ALLOW",
        description="Hosts inside your own network that may get notices, separated by commas.",
    )
    allowed_hosts: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        alias="TRIAGE_ALLOWED_HOSTS",
        description="More names under which the console answers, separated by commas; it always does so under loopback "
        "names and the host of TRIAGE_CONSOLE_URL.",
    )
    api_origins: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        alias="TRIAGE_API_ORIGINS",
        description="Web pages of others that may call the API from a browser: their origins, separated by commas.",
    )
    api_max_streams: int = Field(
        1000, ge=1, alias="TRIAGE_API_MAX_STREAMS", description="Event streams that may be open at once."
    )
    api_max_token_streams: int = Field(
        250, ge=1, alias="TRIAGE_API_MAX_TOKEN_STREAMS", description="Event streams that one token may have open."
    )
    keep_conversations_days: int = Field(
        730,
        ge=0,
        alias="TRIAGE_KEEP_CONVERSATIONS_DAYS",
        description="Days after which a conversation without anything new is removed; 0 keeps it for ever.",
    )
    keep_content_days: int = Field(
        90,
        ge=0,
        alias="TRIAGE_KEEP_CONTENT_DAYS",
        description="Days for which traces keep messages, arguments and results; 0 keeps them for ever.",
    )
    keep_measures_days: int = Field(
        400,
        ge=0,
        alias="TRIAGE_KEEP_MEASURES_DAYS",
        description="Days for which traces keep what is counted: spans, times, tokens, cost; 0 keeps it for ever.",
    )
    token_rate_per_minute: int = Field(
        1200,
        ge=1,
        alias="TRIAGE_TOKEN_RATE_PER_MINUTE",
        description="Requests that one token may make in a minute, at once or spread; more are told when to come back.",
    )
    people_file: Path | None = Field(
        None,
        alias="TRIAGE_PEOPLE",
        description="File with the e-mail addresses of the people who may sign in, their roles and teams (TOML).",
    )
    role_claim: str | None = Field(
        None,
        alias="TRIAGE_ROLE_CLAIM",
        description="Claim of the sign-in that names a person's groups, such as groups or realm_access.roles.",
    )
    role_map: str | None = Field(
        None,
        alias="TRIAGE_ROLE_MAP",
        description="What each group may do: group=role or group=role:team, separated by commas.",
    )
    session_hours: float | None = Field(
        None,
        gt=0,
        le=720,
        alias="TRIAGE_SESSION_HOURS",
        description="Hours after which people have to sign in again; unset, when the token of their sign-in expires.",
    )
    proxy_secret: SecretStr | None = Field(
        None,
        alias="TRIAGE_PROXY_SECRET",
        description="What a proxy that signs people in shows in the header X-Triage-Proxy, so that it is believed.",
    )
    help_desk_url: str | None = Field(
        None,
        alias="TRIAGE_HELPDESK_URL",
        description="Help desk that keeps tickets too: the address before /tickets.",
    )
    help_desk_token: SecretStr | None = Field(
        None, alias="TRIAGE_HELPDESK_TOKEN", description="Token with which the help desk knows the console."
    )
    orders_url: SecretStr | None = Field(
        None,
        alias="TRIAGE_ORDERS_URL",
        description="Database with the shop's orders, only read: a SQLAlchemy URL (SQLite or PostgreSQL).",
    )
    orders_map: str | None = Field(
        None,
        alias="TRIAGE_ORDERS_MAP",
        description="Its table, columns and status words where they differ: table=shop.orders, id=order_no.",
    )
    otlp_endpoint: str | None = Field(
        None,
        alias="TRIAGE_OTLP_ENDPOINT",
        description="OpenTelemetry collector that gets every finished span (OTLP over HTTP): its address.",
    )
    otlp_headers: SecretStr | None = Field(
        None,
        alias="TRIAGE_OTLP_HEADERS",
        description="Headers for the collector, such as keys: name=value, separated by commas.",
    )

    @field_validator("openai_api_key")
    @classmethod
    def _is_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _KEY.fullmatch(value.get_secret_value()):
            raise ValueError("copy the key again: it is one line that a header can carry, without blanks around it")
        return value

    @field_validator("otlp_endpoint")
    @classmethod
    def _is_collector(cls, value: str | None) -> str | None:
        if value is not None and (not _WEB_ADDRESS.fullmatch(value) or "@" in value):
            raise ValueError("write an address such as http://localhost:4318; keys belong to TRIAGE_OTLP_HEADERS")
        return value and value.rstrip("/")

    @field_validator("help_desk_url")
    @classmethod
    def _is_help_desk(cls, value: str | None) -> str | None:
        if value is not None and (not _WEB_ADDRESS.fullmatch(value) or "@" in value):
            raise ValueError("write an address such as https://help.example.com/api; keys: TRIAGE_HELPDESK_TOKEN")
        return value and value.rstrip("/")

    @field_validator("help_desk_token")
    @classmethod
    def _is_token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _TOKEN.fullmatch(value.get_secret_value()):
            raise ValueError("a token has no blanks and only characters that a header can carry")
        return value

    @field_validator("orders_map")
    @classmethod
    def _is_layout(cls, value: str | None) -> str | None:
        read_layout(value)
        return value

    @field_validator("otlp_headers")
    @classmethod
    def _are_headers(cls, value: SecretStr | None) -> SecretStr | None:
        for part in value.get_secret_value().split(",") if value else ():
            if not _HEADER.fullmatch(part.strip()):
                raise ValueError("write name=value, several separated by commas, a comma in a value as %2C")
        return value

    @field_validator("api_origins")
    @classmethod
    def _are_origins(cls, value: list[str]) -> list[str]:
        for origin in value:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError("write origins such as https://help.example.com, in lower case and without a path")
        return value

    @field_validator("console_url")
    @classmethod
    def _is_web_address(cls, value: str) -> str:
        if not _WEB_ADDRESS.fullmatch(value):
            raise ValueError("write an address such as https://triage.example.com, without blanks, ? or #")
        return value.rstrip("/")

    @field_validator("fallback_models", "webhook_allow", "allowed_hosts", "api_origins", mode="before")
    @classmethod
    def _split_at_commas(cls, value: Any) -> Any:
        if isinstance(value, str):
            return [name.strip() for name in value.split(",") if name.strip()]
        return value

    @field_validator(
        "openai_api_key",
        "secret_key",
        "openai_base_url",
        "database_url",
        "traces_url",
        "kb_dir",
        "otlp_endpoint",
        "otlp_headers",
        "people_file",
        "role_claim",
        "role_map",
        "session_hours",
        "proxy_secret",
        "help_desk_url",
        "help_desk_token",
        "orders_url",
        "orders_map",
        mode="before",
    )
    @classmethod
    def _empty_is_unset(cls, value: Any) -> Any:
        return None if value == "" else value

    @property
    def is_offline(self) -> bool:
        """Whether the offline engine answers everything: no key is set and no named model brings its own."""
        named = [self.model, self.guardrail_model, self.writer_model, *self.fallback_models]
        return self.openai_api_key is None and not any(name.startswith(LITELLM_PREFIX) for name in named)

    @property
    def records_url(self) -> str:
        """SQLAlchemy URL of the records."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'triage.db').resolve()}"

    @property
    def traces_path(self) -> Path:
        """Path of the DuckDB file."""
        return Path(self.traces_url) if self.traces_url else self.data_dir / "traces.duckdb"

    @property
    def spool_dir(self) -> Path:
        """Folder of finished spans that are not in DuckDB yet."""
        return self.data_dir / "spool"

    @property
    def otlp_url(self) -> str | None:
        """Where spans are posted: the address as it is when it names the path, else with the path of the protocol."""
        if self.otlp_endpoint is None or self.otlp_endpoint.endswith("/v1/traces"):
            return self.otlp_endpoint
        return f"{self.otlp_endpoint}/v1/traces"

    @property
    def otlp_header_values(self) -> dict[str, str]:
        """The headers for the collector; not for a log line."""
        written = self.otlp_headers.get_secret_value().split(",") if self.otlp_headers else []
        pairs = (part.strip().partition("=") for part in written)
        return {name: unquote(value.strip(), "latin-1") for name, _, value in pairs}

    @property
    def otlp_dir(self) -> Path:
        """Folder of spans that the collector has not got yet."""
        return self.data_dir / "otlp"

    @property
    def inbox_dir(self) -> Path:
        """Folder into which other programs write their spans."""
        return self.data_dir / "inbox"

    @property
    def articles_dir(self) -> Path:
        """Folder of the knowledge base articles in use."""
        return self.kb_dir or PROJECT_DIR / "knowledge"


def load_settings(**overrides: Any) -> Settings:
    """Read the settings.

    Raises:
        SettingsError: a value is wrong; the message names the variable and what is wrong with it, never the value.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors())
        raise SettingsError(f"A setting is wrong: {problems}. Mend it in the environment or in .env.") from None
