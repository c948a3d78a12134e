"""The other systems that the settings may name: a help desk for tickets, a shop's database for orders."""

from __future__ import annotations
