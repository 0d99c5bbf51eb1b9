"""What is kept of a turn is enough to tell it again."""

from hypothesis import given

from chatnb.events import Event
from chatnb.reply import Reply
from chatnb.retelling import retold
from tests.talk import logs


@given(logs())
def test_an_answer_that_is_told_again_reads_as_it_did(log: list[Event]) -> None:
    reply = Reply(log)

    assert reply.asked
    again = retold((reply.asked.question, *reply.messages()))

    assert (again.parts, again.outcome, again.usage) == (reply.parts, reply.outcome, reply.usage)
