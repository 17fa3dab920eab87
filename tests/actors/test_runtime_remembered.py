"""What an entity remembers is the same whether it lies flat or in a dict: held against a plain list."""

from hypothesis import given
from hypothesis import strategies as st

from actors.runtime_remembered import NOTHING, Remembered, forget, found, remember, without

steps = st.lists(
    st.one_of(
        st.tuples(st.just("remember"), st.floats(0.0, 2.0)),
        st.tuples(st.just("without"), st.integers(0, 30)),
        st.tuples(st.just("forget"), st.floats(0.0, 20.0), st.integers(0, 12)),
    ),
    max_size=40,
)


@given(steps)
def test_it_knows_what_a_list_knows(taken: list[tuple[str, float] | tuple[str, float, int]]) -> None:
    known: Remembered = NOTHING
    listed: list[tuple[str, float, str]] = []
    now, count = 0.0, 0
    for step in taken:
        if step[0] == "remember":
            now, count = now + step[1], count + 1
            listed.append((str(count), now, f"reply {count}"))
            known = remember(known, *listed[-1])
        elif step[0] == "without":
            listed = [each for each in listed if each[0] != str(step[1])]
            known = without(known, str(step[1]))
        else:
            before, most = step[1], int(step[-1])
            recent = [each for each in listed if each[1] >= before]
            left = recent[max(0, len(recent) - most) :]
            gone = listed[: len(listed) - len(left)]
            known, last = forget(known, before, most)
            assert last == (gone[-1][1] if gone else 0.0)
            listed = left
        expected = {command_id: (at, reply) for command_id, at, reply in listed}
        assert {str(n): found(known, str(n)) for n in range(count + 2) if found(known, str(n))} == expected
