"""Reports that come with the module."""

from __future__ import annotations

from core import Report

# What open deals should bring, month by month: each amount counts as far as it is probable. A deal that is won or lost
# has a moment when it was closed.
FORECAST = Report(
    record_type="sales.deal",
    filters={"closed_at__empty": "1"},
    group="expected_close",
    split="stage",
    every="month",
    span="future",
    measure="weighted",
    number="amount",
    weight="probability",
    chart="bar",
)
