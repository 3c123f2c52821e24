"""A twin of a system that takes holds: it keeps what it was told, and fails when a test says so."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from commands.ports import Applied, EffectKey, HoldReason, Outcome

Step = Callable[[], Awaitable[Outcome | None]]

AT = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


class MemoryHolds:
    """`effects` maps a command to the action it had; `sends` counts the calls to send. `before` and `after` run around
    the effect: what they raise is raised, and an outcome from `before` is the answer."""

    def __init__(self) -> None:
        self.effects: dict[EffectKey, str] = {}
        self.sends: list[tuple[str, EffectKey]] = []
        self.finds: list[EffectKey] = []
        self.before: Step | None = None
        self.after: Step | None = None

    async def hold(
        self, order_number: str, command: EffectKey, reason: HoldReason, note: str | None, user: str
    ) -> Outcome:
        return await self._send(order_number, command, "hold")

    async def release(self, order_number: str, command: EffectKey, note: str | None, user: str) -> Outcome:
        return await self._send(order_number, command, "release")

    async def find(self, command: EffectKey) -> Applied | None:
        self.finds.append(command)
        return Applied(AT) if command in self.effects else None

    async def _send(self, order: str, command: EffectKey, action: str) -> Outcome:
        self.sends.append((order, command))
        if self.before and (outcome := await self.before()):
            return outcome
        self.effects[command] = action
        if self.after:
            await self.after()
        return Applied(AT)
