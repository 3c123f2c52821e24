"""The catalog's subgraph: it owns what a shop shows of an article."""

from pathlib import Path

import msgspec
import strawberry
from strawberry.federation import Schema

from examples.federation.neighbor import VERSION, Asked, Neighbor
from gateway.auth import TokenCheck


class Row(msgspec.Struct, frozen=True):
    """An article; `images` are paths."""

    sku: str
    description: str
    category: str
    images: list[str] = []


Info = strawberry.Info[Asked[Row], None]


@strawberry.federation.type(keys=["sku"], description="An article.")
class Product:
    sku: str
    description: str = strawberry.federation.field(shareable=True, description="What it is.")
    category: str = strawberry.field(description="The shelf that it is on.")
    images: list[str]

    @classmethod
    def resolve_reference(cls, info: Info, sku: str) -> "Product | None":
        row = info.context.rows.get(sku)
        return _shown(row) if row else None


def _shown(row: Row) -> Product:
    return Product(sku=row.sku, description=row.description, category=row.category, images=row.images)


def _shelf(info: Info, category: str) -> list[Product | None]:
    return [_shown(row) for row in info.context.rows.values() if row.category == category]


@strawberry.type
class Query:
    shelf: list[Product | None] = strawberry.field(
        resolver=_shelf,
        description="What is on it; an article that another subgraph does not know is null where it is asked.",
    )


schema = Schema(query=Query, federation_version=VERSION)


def neighbor(tokens: TokenCheck, file: Path) -> Neighbor[Row]:
    rows = msgspec.json.decode(file.read_bytes(), type=list[Row])
    return Neighbor(schema, tokens, {row.sku: row for row in rows})
