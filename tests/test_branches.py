"""A session is a tree of turns that is read along one path, and nothing in it is ever lost."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from chatnb.branches import branches, forked, newest_below, node_of, parent_of, path, siblings, tip_at, tip_of
from chatnb.messages import Message, Session, Summary
from tests.talk import ASKED_AT, question, reply_to, turns


def session_of(*messages: Message, hidden: tuple[str, ...] = ()) -> Session:
    return Session("s", ASKED_AT, messages=messages, hidden=hidden)


def instead(asked: Message, after: str | None) -> list[Message]:
    asked = replace(asked, after=after)
    return [asked, reply_to(asked)]


def ids(messages: tuple[Message, ...]) -> list[str]:
    return [message.id for message in messages if message.role == "user"]


LINEAR = turns(3)
SECOND_AGAIN = instead(question("Question 2, or so", 4), "q0001")
TREE = session_of(*LINEAR, *SECOND_AGAIN)


def test_what_was_saved_in_a_row_is_read_in_a_row() -> None:
    session = session_of(*LINEAR)

    assert path(session) == tuple(LINEAR)
    assert tip_of(session) == "q0003"


def test_a_question_in_the_place_of_another_leaves_that_and_all_after_it_aside() -> None:
    assert ids(path(TREE)) == ["q0001", "q0004"]
    assert siblings(TREE, "q0002") == siblings(TREE, "q0004") == ("q0002", "q0004")


def test_a_question_after_a_branch_follows_it() -> None:
    session = replace(TREE, messages=(*TREE.messages, *instead(question("Next", 5), None)))

    assert ids(path(session)) == ["q0001", "q0004", "q0005"]


def test_a_question_may_be_asked_in_the_place_of_the_first() -> None:
    session = session_of(*LINEAR, *instead(question("First, or so", 4), ""))

    assert ids(path(session)) == ["q0004"]
    assert parent_of(session, "q0004") == parent_of(session, "q0001") == ""


def test_a_chosen_turn_is_followed_until_there_is_a_newer_one() -> None:
    chosen = replace(TREE, tip=tip_at(TREE, "q0003"))
    later = replace(chosen, messages=(*chosen.messages, *instead(question("Next", 5), "q0003")))

    assert ids(path(chosen)) == ["q0001", "q0002", "q0003"]
    assert ids(path(later)) == ["q0001", "q0002", "q0003", "q0005"]
    assert tip_of(later) == "q0005"


def test_all_questions_can_be_gone_back_by() -> None:
    session = replace(TREE, tip=tip_at(TREE, ""))

    assert path(session) == ()


def test_branches_are_the_ways_to_each_end() -> None:
    first, second = branches(TREE)

    assert (first.tip, first.turn_count, first.is_current) == ("q0003", 3, False)
    assert (second.tip, second.turn_count, second.is_current) == ("q0004", 2, True)
    assert second.question.text == "Question 2, or so"


def test_a_turn_that_was_gone_back_to_is_a_branch_too() -> None:
    found = branches(replace(TREE, tip=tip_at(TREE, "q0001")))

    assert [(branch.tip, branch.is_current) for branch in found] == [
        ("q0003", False),
        ("q0004", False),
        ("q0001", True),
    ]


def test_the_newest_end_below_a_turn_is_the_one_written_last() -> None:
    assert newest_below(TREE, "q0001") == "q0004"
    assert newest_below(TREE, "q0002") == "q0003"


def test_a_turn_that_follows_one_that_is_not_there_is_a_beginning() -> None:
    session = session_of(*LINEAR, *instead(question("Lost", 4), "gone"))

    assert ids(path(session)) == ["q0004"]


def test_a_damaged_circle_ends() -> None:
    session = session_of(*instead(question("a", 1), "q0002"), *instead(question("b", 2), "q0001"))

    assert ids(path(session)) == ["q0001", "q0002"]


def test_a_fork_is_the_same_conversation_with_ids_of_its_own() -> None:
    summary = Message("q0003.900", "s", "system", (Summary("In short.", "q0001.001"),), ASKED_AT)
    whole = session_of(*LINEAR, summary, hidden=("q0002",))

    copy = forked(whole, summary.id, Session("copy", ASKED_AT))

    assert [message.text for message in copy.messages] == [message.text for message in whole.messages]
    assert {message.session_id for message in copy.messages} == {"copy"}
    assert not {message.id for message in copy.messages} & {message.id for message in whole.messages}
    assert ids(path(copy)) == [message.id for message in copy.messages if message.role == "user"]
    assert copy.hidden == (copy.messages[2].id,)
    assert copy == forked(whole, summary.id, Session("copy", ASKED_AT))
    [part] = copy.messages[-1].parts
    assert isinstance(part, Summary)
    assert part.until == copy.messages[1].id


@st.composite
def trees(draw: st.DrawFn) -> Session:
    messages: list[Message] = []
    for number in range(1, draw(st.integers(0, 9)) + 1):
        known = [None, "", *{node_of(message): None for message in messages}]
        messages += instead(question(f"Question {number}", number), draw(st.sampled_from(known)))
    session = session_of(*messages)
    chosen = draw(st.sampled_from(["", *{node_of(message): None for message in messages}]))
    return replace(session, tip=tip_at(session, chosen)) if draw(st.booleans()) else session


@given(trees())
def test_every_turn_is_on_a_branch_and_every_path_is_in_order(session: Session) -> None:
    seen = set()
    for branch in branches(session):
        way = path(session, branch.tip)
        seen |= {message.id for message in way}
        assert [message.id for message in way] == sorted(message.id for message in way)
        assert node_of(way[-1]) == branch.tip
        assert sum(message.role == "user" for message in way) == branch.turn_count

    assert seen == {message.id for message in session.messages}
    assert sum(branch.is_current for branch in branches(session)) == bool(path(session))


@given(trees())
def test_what_is_asked_next_continues_the_path(session: Session) -> None:
    before = path(session)
    newest = node_of(session.messages[-1]) if session.messages else ""
    after = None if tip_of(session) == newest else tip_of(session)
    asked = instead(question("Next", 100), after)

    assert path(replace(session, messages=(*session.messages, *asked))) == (*before, *asked)
