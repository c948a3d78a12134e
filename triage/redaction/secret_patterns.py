"""What keys, tokens and passwords look like: the patterns that detect-secrets keeps, and those that it lacks.

Its patterns are used without its scanner, which reads files line by line, judges words by entropy (our own ids would
go) and asks the issuer of a token over the network.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module

# Classes of detect_secrets.plugins whose patterns name one kind of key (the others take words for keys), and what is in
# every text with a find, in small letters: looking for that first spares the pattern.
_PLUGINS = {
    "aws.AWSKeyDetector": ("akia", "asia", "abia", "acca", "a3t", "aws"),
    "azure_storage_key.AzureStorageKeyDetector": ("accountkey=",),
    "gitlab_token.GitLabTokenDetector": ("gl", "gr1348941"),
    "mailchimp.MailchimpDetector": ("-us",),
    "npm.NpmDetector": ("_authtoken",),
    "openai.OpenAIDetector": ("t3blbkfj",),
    "pypi_token.PypiTokenDetector": ("pypi-",),
    "sendgrid.SendGridDetector": ("sg.",),
    "slack.SlackDetector": ("xox", "hooks.slack.com"),
    "square_oauth.SquareOAuthDetector": ("sq0csp-",),
    "stripe.StripeDetector": ("k_live_",),
    "twilio.TwilioKeyDetector": ("ac", "sk"),
}
_OWN: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|$)",
        ("private key",),
    ),
    (r"eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?", ("eyj",)),
    (r"(?<!\w)[spr]k[-_][\w-]{16,}", ("sk-", "sk_", "pk-", "pk_", "rk-", "rk_")),
    (r"(?<!\w)tri_[0-9a-f]{12}_[\w-]{43}", ("tri_",)),
    (r"(?<!\w)gh[pousr]_\w{20,}", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")),
    (r"github_pat_\w{20,}", ("github_pat_",)),
    (r"(?<!\w)glpat-[\w-]{16,}", ("glpat-",)),
    (r"(?<!\w)xox[abeoprs]-[\w-]{10,}", ("xox",)),
    (r"(?<!\w)AIza[\w-]{30,}", ("aiza",)),
    (r"(?<!\w)npm_[A-Za-z0-9]{30,}", ("npm_",)),
    (r"(?<!\w)hf_[A-Za-z0-9]{30,}", ("hf_",)),
    (r"dop_v1_[0-9a-f]{40,}", ("dop_v1_",)),
    # These two have no word of their own; a bot's number and a colon, and three parts of fixed length.
    (r"(?<!\w)\d{8,10}:[0-9A-Za-z_-]{35}(?!\w)", (":aa",)),
    (r"(?<![\w-])[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,38}(?!\w)", (".",)),
)
# Only the group of these is the secret: the words around it are worth keeping.
_NAMED: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"\b[Bb](?:earer|asic) +(?P<value>[\w.~+/-]{16,}=*)", ("bearer ", "basic ")),
    (r"://[^\s:/@]*:(?P<value>[^\s:/@]+)(?=@)", ("://",)),
    (
        (
            r"(?i:\b(?:pass(?:word|wd|phrase|code)|pwd|api[_ -]?key|secret(?:[_ -]?key)?"
            r"|(?:access|auth|refresh|api|client)[_ -]?(?:token|secret)))[\"']?(?:\s*[:=]\s*|\s+is:?\s+)[\"']?"
            r"(?P<value>(?=\S*[\d!$%&*#?^~])[^\s\"',;<>\[\]]{6,})"
        ),
        ("pass", "pwd", "key", "secret", "token"),
    ),
)


def secret_patterns() -> Iterator[tuple[re.Pattern[str], tuple[str, ...]]]:
    """Yield patterns, each with the words of which one is in every text with a find."""
    for text, words in _OWN:
        yield re.compile(text), words
    for place, words in _PLUGINS.items():
        module, name = place.split(".")
        for pattern in getattr(import_module(f"detect_secrets.plugins.{module}"), name).denylist:
            yield pattern, words
    for text, words in _NAMED:
        yield re.compile(text), words
