"""What waits is what was handed on and not told to be done with, however far ahead a reader asks."""

from hypothesis import given
from hypothesis import strategies as st

from cdc.change import Position
from cdc.waiting import Offsets, Waiting
from tests.controls.projecting import header, transaction

SOURCES = ("erp", "east")


@given(sizes=st.lists(st.integers(0, 3)), data=st.data())
def test_changes_wait_until_they_are_done_with(sizes: list[int], data: st.DataObject) -> None:
    waiting = Waiting()
    waiting.add(transaction(log, *[header(1)] * size) for log, size in enumerate(sizes, 1))
    done = 0
    for reached in sorted(data.draw(st.lists(st.integers(0, len(sizes))))):
        waiting.done(Position(1, reached, 3))
        done = max(done, reached)
        assert waiting.count == sum(sizes[done:])


@given(reads=st.lists(st.lists(st.sampled_from(SOURCES))), data=st.data())
def test_an_offset_is_done_with_when_all_before_it_is(reads: list[list[str]], data: st.DataObject) -> None:
    offsets, last, ends = Offsets(), dict.fromkeys(SOURCES, 0), list[dict[str, int]]()
    for number, found in enumerate(reads, 1):
        for source in found:
            last[source] += 1
        offsets.read([transaction(last[source], header(1), source=source) for source in set(found)], {"erp": number})
        ends.append(dict(last))
    reached, done = dict.fromkeys(SOURCES, 0), 0
    for source in data.draw(st.lists(st.sampled_from(SOURCES))):
        reached[source] = min(reached[source] + 1, last[source])
        offsets.done({source: Position(1, reached[source], 1)})
        done = offsets.take().get("erp", done)
        whole = [number for number, end in enumerate(ends, 1) if all(end[each] <= reached[each] for each in SOURCES)]
        assert done == max(whole, default=0)
