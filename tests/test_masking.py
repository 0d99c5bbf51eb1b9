"""Placeholders in place of secrets, and back."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

from hypothesis import given
from hypothesis import strategies as st

from chatnb.masking import PLACEHOLDER, Mask
from tests.keys import lines_with_secrets, made

LINES = [line for line, _ in lines_with_secrets()]
KEY = made("hf" + "_", 34)

texts = st.lists(
    st.one_of(
        st.text(alphabet="<SECRET_1>23 \n\ud800é", max_size=12),
        st.sampled_from(["<SECRET_1>", "<SECRET_2>", "<SECRET_01>", "<SECRET_", "s3cr3t-1", "3cr3t-1x", *LINES]),
    ),
    max_size=8,
).map("".join)


@given(st.lists(texts, min_size=1, max_size=4))
def test_every_text_comes_back_as_it_was(conversation: list[str]) -> None:
    mask = Mask({"A_TOKEN": "s3cr3t-1", "B_TOKEN": "3cr3t-1x"})

    hidden = [mask.hide(text) for text in conversation]

    assert [mask.reveal(text) for text in hidden] == conversation


@given(st.lists(texts, min_size=1, max_size=4))
def test_no_known_secret_stays_between_the_placeholders(conversation: list[str]) -> None:
    mask = Mask({"A_TOKEN": "s3cr3t-1", "B_TOKEN": "3cr3t-1x"})
    secrets = ["s3cr3t-1", "3cr3t-1x", *(secret for line, secret in lines_with_secrets() if line in conversation)]
    for text in conversation:
        mask.hide(text)

    pieces = [piece for text in conversation for piece in PLACEHOLDER.split(mask.hide(text))]

    assert not [secret for secret in secrets for piece in pieces if secret in piece]


def test_a_secret_has_the_same_placeholder_everywhere() -> None:
    mask = Mask({})

    first = mask.hide(f"token = '{KEY}'")
    second = mask.hide(f"Is {KEY} still valid?")

    assert first == "token = '<SECRET_1>'"
    assert second == "Is <SECRET_1> still valid?"


def test_a_secret_that_is_found_late_is_hidden_in_earlier_texts_too() -> None:
    mask = Mask({})

    before = mask.hide("I use kaffee&9 everywhere.")
    mask.hide("password = 'kaffee&9'")

    assert before == "I use kaffee&9 everywhere."
    assert mask.hide("I use kaffee&9 everywhere.") == "I use <SECRET_1> everywhere."


def test_a_variable_that_is_set_later_is_hidden_from_then_on() -> None:
    environment: dict[str, str] = {}
    mask = Mask(environment)

    before = mask.hide("f81d4fae7dec")
    environment["LAB_TOKEN"] = "f81d4fae7dec"  # noqa: S105 - made up

    assert before == "f81d4fae7dec"
    assert mask.hide("f81d4fae7dec") == "<SECRET_1>"


def test_what_was_found_is_told_without_the_values() -> None:
    mask = Mask({"LAB_TOKEN": "f81d4fae7dec", "UNUSED_TOKEN": "0123456789abcdef"})

    hidden = mask.hide(f"f81d4fae7dec and {KEY}, <SECRET_9>")

    assert mask.found_in(hidden) == ("value of LAB_TOKEN", "Hugging Face token")
    assert mask.found == ("value of LAB_TOKEN", "value of UNUSED_TOKEN", "Hugging Face token")


def test_a_placeholder_of_the_users_own_is_not_taken_for_a_secret() -> None:
    mask = Mask({"LAB_TOKEN": "f81d4fae7dec"})
    mask.hide("f81d4fae7dec")

    hidden = mask.hide("What is <SECRET_1>?")

    assert hidden == "What is <SECRET_2>?"
    assert mask.reveal(hidden) == "What is <SECRET_1>?"


def test_the_longer_of_two_secrets_is_hidden_whole() -> None:
    mask = Mask({"A_TOKEN": "abcdef12", "B_TOKEN": "abcdef12-and-more"})

    assert mask.hide("abcdef12-and-more") == "<SECRET_1>"


def test_in_json_a_secret_is_put_back_with_its_quotes_escaped() -> None:
    mask = Mask({"A_TOKEN": 'quo"ted\n1'})
    hidden = mask.hide('quo"ted\n1')

    assert mask.reveal(f'{{"a": "{hidden}"}}', in_json=True) == '{"a": "quo\\"ted\\n1"}'


def test_placeholders_that_nothing_has_stay() -> None:
    assert Mask({}).reveal("<SECRET_1>") == "<SECRET_1>"


async def test_what_was_learned_is_replaced() -> None:
    mask = Mask({})

    await mask.learn([f"token = '{KEY}'", "nothing"])

    assert mask.replace(f"It is {KEY}.") == "It is <SECRET_1>."


def test_secrets_may_be_found_while_another_thread_replaces_them() -> None:
    environment = {f"LAB_{number}_TOKEN": f"{number:04d}f81d4fae7dec" for number in range(500)}
    mask, is_over = Mask(environment), Event()
    mask.hide("")

    def replace() -> None:
        while not is_over.is_set():
            mask.replace("Why?")

    with ThreadPoolExecutor(1) as pool:
        replacing = pool.submit(replace)
        for number in range(500, 520):
            environment[f"LAB_{number}_TOKEN"] = f"{number:04d}f81d4fae7dec"
            mask.hide("")
        is_over.set()

    replacing.result()
    assert len(mask.found) == 520
