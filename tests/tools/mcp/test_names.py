"""What models call the tools of servers."""

import re

from hypothesis import given
from hypothesis import strategies as st

from chatnb.tools.mcp.names import names_of


@given(st.lists(st.tuples(st.text(max_size=80), st.text(max_size=80)), unique=True, max_size=8))
def test_names_are_unique_valid_and_depend_neither_on_the_order_nor_on_who_is_there(
    tools: list[tuple[str, str]],
) -> None:
    reserved = {"web_search", "a_a"}

    names = names_of(tools, reserved)

    assert len({name.casefold() for name in names}) == len(tools)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in names)
    assert reserved.isdisjoint(names)
    assert dict(zip(tools, names, strict=True)) == dict(
        zip(reversed(tools), names_of(tools[::-1], reserved), strict=True)
    )
    servers = [server for server, _ in tools]
    first = [pair for pair in tools if pair[0] == tools[0][0]] if tools else []
    assert set(names_of(first, reserved, servers)) <= set(names)


def test_a_server_cannot_take_the_name_of_another_tool() -> None:
    (alone,) = names_of([("a_b", "c")], servers=["a", "a_b"])
    (thief,) = names_of([("a", "b_c")], servers=["a", "a_b"])
    both = names_of([("a", "b_c"), ("a_b", "c")])
    (again,) = names_of([("a_b", thief.removeprefix("a_b_"))])
    (search,) = names_of([("web", "search")], {"web_search"})

    assert both == [thief, alone]
    assert alone == "a_b_c" != thief
    assert again != thief
    assert search.startswith("web_search_")
