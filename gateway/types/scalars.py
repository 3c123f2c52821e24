"""Scalars, written as Postgres writes them in JSON, so that an answer is the same whoever wrote it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from strawberry.schema.types.base_scalars import DateTimeDefinition, DecimalDefinition

from gateway.types.operations import BIG_INT, BigInt


def instant(at: datetime) -> str:
    """ISO 8601, with no more digits of a second than it needs."""
    text = at.replace(microsecond=0).isoformat()
    return f"{text[:19]}.{at.microsecond:06d}".rstrip("0") + text[19:] if at.microsecond else text


def number(value: Decimal) -> str:
    """Never with an exponent."""
    return format(value, "f")


SCALARS: Mapping[object, Any] = {
    BigInt: BIG_INT,
    datetime: replace(DateTimeDefinition, serialize=instant),
    Decimal: replace(DecimalDefinition, serialize=number),
}
