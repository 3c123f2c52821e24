"""Brings into memory what a batch will touch, in a handful of statements."""

from collections.abc import Collection, Iterable, Sequence

from cdc.change import Position
from orders.facts import Doc, Fact, Ident, OrderHeader
from projections.database import LIVE, Connection, Graph, columns
from projections.events import Emitted, Stated
from projections.fold import Fold
from projections.known import Key
from projections.text import decode_fact, doc_text, ident_text, text_doc

CAP, KEPT = 60_000, 0.75
"""The most in memory, in facts, and how much of that stays when it is trimmed."""
VIEW = 4
"""Facts that take as much memory as an order does besides its own: its rows, its parts, what was told of it."""


class Loader:
    """Remembers what lies whole in memory, so that nothing is loaded twice."""

    def __init__(self, fold: Fold, cap: int = CAP, graph: Graph = LIVE) -> None:
        self.fold = fold
        self._sql = graph.sql
        self._cap = cap
        self._has_all: bool | None = None
        self._docs: set[Doc] = set()
        self._idents: set[Ident] = set()

    def forget(self) -> None:
        """Empty the memory: after a failed write, or when trimming it is not enough."""
        self._docs.clear()
        self._idents.clear()
        self._has_all = None
        self.fold.clear()

    @property
    def is_full(self) -> bool:
        return self._size() > self._cap

    def trim(self) -> None:
        """Let go of what was not touched for longest, when there is more than the cap."""
        if not self.is_full:
            return
        if self._has_all:
            self._note_all()
        for root in list(self.fold.views):
            if self._size() <= self._cap * KEPT:
                return
            if root in self.fold.views:
                self._let_go(root)
        self.forget()

    def _size(self) -> int:
        """A million orders of a fact or two each are to take no more than fewer large ones."""
        return len(self.fold.store.known) + VIEW * len(self.fold.views)

    def _note_all(self) -> None:
        """From now on not everything that is stored is in memory; what is there is there whole."""
        store = self.fold.store
        self._has_all = False
        self._docs = set(store.docs)
        self._idents = {ident for doc in store.docs for ident in store.named_by(doc)}

    def _let_go(self, root: Doc) -> None:
        docs = self.fold.store.component(root)
        self._docs -= docs
        for doc in docs:
            self._idents -= self.fold.store.named_by(doc)
        self.fold.forget(docs)

    async def has_all(self, connection: Connection) -> bool:
        """Whether nothing is stored but what is in memory: nothing was when the memory was empty."""
        if self._has_all is None:
            self._has_all = not await connection.fetchval(self._sql["anything_stored"])
        return self._has_all

    async def load(self, connection: Connection, stated: Collection[Stated]) -> None:
        """All that these facts may touch: their old selves, their documents' components, the feed of these."""
        if await self.has_all(connection):
            return
        facts = [(each.change.source, fact) for each in stated for fact in each.facts]
        await self.load_keys(connection, [(source, fact.key) for source, fact in facts])
        said = [known.fact for source, fact in facts if (known := self.fold.store.known.get((source, fact.key)))]
        said += [fact for _, fact in facts]
        await self.load_components(connection, {f.doc for f in said if f.doc}, idents(said))
        numbers = {f.body.number for _, f in facts if isinstance(f.body, OrderHeader)}
        await self.load_emitted(connection, numbers)

    async def load_keys(self, connection: Connection, keys: Sequence[Key]) -> None:
        """Facts that are stored under these keys, so that a move out of an unseen document is noticed."""
        unseen = [key for key in keys if key not in self.fold.store.known]
        if unseen:
            rows = await connection.fetch(self._sql["known_keys"], *columns(unseen, 2))
            for row in rows:
                if row["doc"] is None:
                    self.fold.store.restore(row["source"], Fact(key=row["key"]), position(row))
            found = {text_doc(row["doc"]) for row in rows if row["doc"] is not None}
            await self.load_components(connection, found, set())

    async def load_components(self, connection: Connection, docs: set[Doc], named: set[Ident]) -> None:
        docs, named = docs - self._docs, named - self._idents
        if not docs and not named:
            return
        rows = await connection.fetch(
            self._sql["component"], [doc_text(d) for d in docs], [ident_text(i) for i in named]
        )
        fresh = {doc: text_doc(doc) for doc in {row["doc"] for row in rows}}
        numbers = set[str]()
        for row in rows:
            if fresh[row["doc"]] not in self._docs:
                fact = decode_fact(row["key"], row["fact"])
                self.fold.store.restore(row["source"], fact, position(row))
                self._idents.update(fact.claims)
                if isinstance(fact.body, OrderHeader):
                    numbers.add(fact.body.number)
        self._docs |= docs | set(fresh.values())
        self._idents |= named
        # Of an order of which nothing can be derived just now, too: it may come back.
        await self.load_emitted(connection, numbers)

    async def load_emitted(self, connection: Connection, orders: Iterable[str]) -> None:
        """What the feed already tells of these orders."""
        unseen = {order for order in orders if order not in self.fold.emitted}
        if unseen:
            self.fold.emitted.update({order: Emitted() for order in unseen})
            for row in await connection.fetch(self._sql["emitted"], list(unseen)):
                self.fold.emitted[row["order_id"]] = Emitted(set(row["keys"]), row["version"])


def idents(facts: Iterable[Fact]) -> set[Ident]:
    return {ident for fact in facts for ident in (*fact.claims, *((fact.belongs_to,) if fact.belongs_to else ()))}


def position(row: object) -> Position:
    return Position(row["epoch"], row["log"], row["ordinal"])  # type: ignore[index]  # an asyncpg record
