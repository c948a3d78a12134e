"""What is checked of the configuration before the console starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from triage.access.entrance import Mode, read_entrance, require_no_secrets, require_protection
from triage.errors import SettingsError
from triage.settings import Settings, load_settings

STRONG = "qJ8Fz1nT0vKc5WmR2yXb7LdP4hGs9AeU3oNi6Qt"
PROVIDER = {
    "client_id": "console",
    "client_secret": "s3cr3t-of-the-provider",
    "server_metadata_url": "https://id.example.com/.well-known/openid-configuration",
}
AUTH = {"redirect_uri": "https://triage.example.com/oauth2callback", "cookie_secret": STRONG, **PROVIDER}
HEADERS = {"X-Forwarded-Email": "email", "X-Forwarded-Groups": "groups"}


@pytest.fixture
def people(tmp_path: Path) -> Path:
    file = tmp_path / "people.toml"
    file.write_text('[people]\n"ada@example.com" = "admin"\n')
    return file


@pytest.fixture
def settings(people: Path) -> Settings:
    return load_settings(people_file=people, console_url="https://triage.example.com")


def test_without_a_provider_it_is_local_mode() -> None:
    assert read_entrance({}, headers={}, settings=load_settings()).mode is Mode.LOCAL


def test_one_provider_or_several_by_name(settings: Settings) -> None:
    alone = read_entrance(AUTH, headers={}, settings=settings)
    assert (alone.mode, alone.providers, alone.is_https) == (Mode.SIGN_IN, (None,), True)
    named = {key: AUTH[key] for key in ("redirect_uri", "cookie_secret")}
    several = read_entrance({**named, "google": PROVIDER, "entra": PROVIDER}, headers={}, settings=settings)
    assert several.providers == ("google", "entra")


def test_on_this_machine_http_will_do(people: Path) -> None:
    here = {**AUTH, "redirect_uri": "http://localhost:{port}/oauth2callback"}
    here["server_metadata_url"] = "http://127.0.0.1:9000/.well-known/openid-configuration"
    assert not read_entrance(here, headers={}, settings=load_settings(people_file=people)).is_https


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cookie_secret": None}, "cookie_secret is missing"),
        ({"cookie_secret": "short-but-random-4f9a"}, "shorter than 32"),
        ({"cookie_secret": "a-strong-randomly-generated-secret-of-this-console"}, "not made at random"),
        ({"cookie_secret": "x" * 64}, "not made at random"),
        ({"cookie_secret": "CHANGE-ME-" + STRONG}, "not made at random"),
        ({"redirect_uri": None}, "redirect_uri"),
        ({"redirect_uri": "https://triage.example.com/"}, "/oauth2callback at its end"),
        ({"redirect_uri": "https://else.example.com/oauth2callback"}, "set TRIAGE_CONSOLE_URL"),
        ({"redirect_uri": "http://triage.example.com/oauth2callback"}, "use https"),
        ({"client_secret": "<from the provider>"}, "client_secret is missing"),
        ({"client_id": "xxx"}, "client_id is missing"),
        ({"server_metadata_url": "http://id.example.com/.well-known/openid-configuration"}, "begin with https"),
        ({"server_metadata_url": ""}, "server_metadata_url is missing"),
    ],
)
def test_what_is_weak_or_missing_is_refused(settings: Settings, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words) as refused:
        read_entrance({**AUTH, **changes}, headers={}, settings=settings)
    for secret in (STRONG, AUTH["client_secret"]):
        assert secret not in str(refused.value)


def test_a_provider_with_a_name_is_checked_as_well(settings: Settings) -> None:
    broken = {**PROVIDER, "client_secret": ""}
    named = {key: AUTH[key] for key in ("redirect_uri", "cookie_secret")}
    with pytest.raises(SettingsError, match=r"client_secret is missing in \[auth\.entra\]"):
        read_entrance({**named, "google": PROVIDER, "entra": broken}, headers={}, settings=settings)


def test_sign_in_without_anybody_who_has_a_role_is_refused() -> None:
    settings = load_settings(console_url="https://triage.example.com")
    with pytest.raises(SettingsError, match="nobody has a role: set TRIAGE_PEOPLE"):
        read_entrance(AUTH, headers={}, settings=settings)
    mapped = load_settings(console_url="https://triage.example.com", role_claim="groups", role_map="leads=admin")
    assert read_entrance(AUTH, headers={}, settings=mapped).mode is Mode.SIGN_IN


def test_a_proxy_needs_a_secret_and_the_address(people: Path, settings: Settings) -> None:
    with pytest.raises(SettingsError, match="set TRIAGE_PROXY_SECRET"):
        read_entrance({}, headers=HEADERS, settings=settings)
    with pytest.raises(SettingsError, match="TRIAGE_PROXY_SECRET is shorter"):
        read_entrance({}, headers=HEADERS, settings=load_settings(people_file=people, proxy_secret="short"))
    behind = load_settings(people_file=people, proxy_secret=STRONG)
    with pytest.raises(SettingsError, match='has to map one header to "email"'):
        read_entrance({}, headers={"X-Forwarded-User": "user"}, settings=behind)
    found = read_entrance({}, headers=HEADERS, settings=behind)
    assert (found.mode, found.identity_headers) == (Mode.PROXY, ("x-forwarded-email", "x-forwarded-groups"))


def test_both_ways_at_once_are_refused(people: Path) -> None:
    with pytest.raises(SettingsError, match="choose one"):
        read_entrance(AUTH, headers=HEADERS, settings=load_settings(people_file=people, proxy_secret=STRONG))


def test_a_file_of_secrets_that_cannot_be_read_is_no_local_mode(tmp_path: Path) -> None:
    broken = tmp_path / "secrets.toml"
    require_no_secrets([str(broken)], is_named=False)
    with pytest.raises(SettingsError, match="missing or cannot be read"):
        require_no_secrets([str(broken)], is_named=True)
    broken.write_text("[auth")
    with pytest.raises(SettingsError, match="missing or cannot be read"):
        require_no_secrets([str(broken)], is_named=False)


def test_protection_that_is_switched_off_is_refused() -> None:
    require_protection(cors=True, xsrf=True)
    with pytest.raises(SettingsError, match=r"server\.enableCORS"):
        require_protection(cors=False, xsrf=True)
    with pytest.raises(SettingsError, match=r"server\.enableXsrfProtection"):
        require_protection(cors=True, xsrf=False)
