"""Who writes: a projector with all sources, several that share them, a rebuild of the graph.

They write one after the other. A claim is checked in the transaction that writes, so a projector whose source was given
to another writes nothing more of it, however late it wakes up.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence

from projections.database import SQL, Connection, columns


class FencedError(Exception):
    """The source is another projector's, or to be read anew."""

    def __init__(self, source: str) -> None:
        super().__init__(f"another projector has moved the checkpoint of {source}, or it is to be read anew")
        self.source = source


class Turn:
    """Of one who writes. What another one wrote is not in its memory."""

    def __init__(self) -> None:
        self._name = secrets.token_hex(8)

    async def take(self, connection: Connection) -> bool:
        """Until the transaction ends: whether another one has written since the last turn. Waits for its end."""
        others: bool = await connection.fetchval(SQL["take_turn"]) != self._name
        if others:
            await connection.execute(SQL["put_turn"], self._name)
        return others


class Share:
    """What one projector has claimed, source → number of the claim; good for one `Projector`.

    None: it has all sources, and no other one.
    """

    def __init__(self, claims: Mapping[str, int] | None = None) -> None:
        self._claims = claims
        self._turn = Turn()

    @classmethod
    async def claimed(cls, connection: Connection, sources: Sequence[str]) -> "Share":
        """Take these sources over from whoever had them."""
        return cls({row["source"]: row["claim"] for row in await connection.fetch(SQL["claim"], sources)})

    async def take_turn(self, connection: Connection, sources: Collection[str]) -> bool:
        """Within the transaction that will write of these: whether another one has written since the last turn.

        Waits for its end. Raises FencedError.
        """
        others = await self._turn.take(connection)
        if self._claims is None:
            return others
        claims = [(source, self._claims.get(source, 0)) for source in sorted(sources)]
        held = {row["source"] for row in await connection.fetch(SQL["held_claims"], *columns(claims, 2))}
        for source in sources:
            if source not in held:
                raise FencedError(source)
        return others
