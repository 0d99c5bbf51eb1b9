"""Say what form an answer is to have, and turn the answer into a value of that form."""

from __future__ import annotations

import copy
import inspect
import json
import re
import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from .errors import AnswerInvalid, SettingsError
from .messages import Json

_FENCED = re.compile(r"\s*(`{3,}|~{3,})[^\n]*\n(.*?)\n?\1\s*", re.DOTALL)
_SHOWN = 5  # faults that an error lists


class _NoJsonError(ValueError):
    """A text that is no JSON."""


@dataclass(frozen=True, slots=True)
class Schema:
    """The form of an answer.

    Attributes
    ----------
    json
        The JSON schema, as it is sent to the model.

    Examples
    --------
    >>> prices = Schema.of(dict[str, float])
    >>> prices.parse('{"apple": 0.5}')
    {'apple': 0.5}
    """

    json: Mapping[str, Json]
    _read: Callable[[str], Any] = field(repr=False, compare=False)  # raises ValueError with all faults

    @classmethod
    def of(cls, target: Any) -> Schema:
        """Return the schema of a type, or of a JSON schema.

        Parameters
        ----------
        target
            A pydantic model, a dataclass, a TypedDict, any other type that pydantic knows, such as `list[int]`; or a
            mapping that is a JSON schema itself, whose values are plain dicts and lists.

        Raises
        ------
        SettingsError
            If it is none of these.
        """
        if isinstance(target, Mapping):
            return _of_json(target)
        return _of_type(target)

    def parse(self, text: str) -> Any:
        """Return what an answer says; a fence of code around the JSON is overlooked.

        Raises
        ------
        AnswerInvalid
            If it is no JSON, or does not fit.
        """
        fenced = _FENCED.fullmatch(text)
        try:
            return self._read(fenced[2] if fenced else text)
        except _NoJsonError as error:
            what = f"The answer is no JSON: {error}."
            do = "Where it breaks off, leave it more room: -o num_predict=4096. Else ask again: %chat again"
        except ValueError as error:
            what = f"The answer does not fit the schema: {error}."
            do = "Ask again, perhaps another model: %chat again -m MODEL"
        raise AnswerInvalid(f"{what}\n{do}", text)

    def check(self, value: Json) -> Any:
        """Return JSON that has been read already as `parse` returns it.

        Raises
        ------
        ValueError
            If it does not fit; its text says what, and where.
        """
        return self._read(json.dumps(value))


def _of_type(target: Any) -> Schema:
    # Lazy: 0.1 s that only who asks for it is to pay.
    from pydantic import PydanticUserError, TypeAdapter, ValidationError  # noqa: PLC0415

    try:
        if inspect.isroutine(target):  # pydantic would take it, and call it with the answer
            raise TypeError("it is a function")  # noqa: TRY301
        adapter = TypeAdapter(target)
        described = adapter.json_schema()
    except (PydanticUserError, NameError, TypeError) as error:
        reason = str(error).partition("\n")[0]
        raise SettingsError(
            f"No schema can be made of {target!r}: {reason}\n"
            "Give a pydantic model, a dataclass, a TypedDict, a type such as list[int], or a JSON schema as a dict."
        ) from error

    def read(text: str) -> Any:
        try:
            return adapter.validate_json(text)
        except ValidationError as error:
            faults = error.errors(include_url=False)
            if faults[0]["type"] == "json_invalid":
                raise _NoJsonError(faults[0]["msg"].removeprefix("Invalid JSON: ")) from error
            raise ValueError(
                _listed([_fault(each["loc"], each["msg"], each.get("input")) for each in faults])
            ) from error

    return Schema(described, read)


def _of_json(schema: Mapping[str, Json]) -> Schema:
    # Lazy, too. Not jsonschema: it compiles a grammar for 2.8 s when it is imported.
    import fastjsonschema  # noqa: PLC0415

    try:
        validate = fastjsonschema.compile(
            copy.deepcopy(dict(schema)),  # it writes into the schema
            handlers=dict.fromkeys(("http", "https", "ftp", "file", "data"), _refuse),
            use_default=False,
        )
    except (ValueError, TypeError, AttributeError, LookupError, re.error) as error:
        raise SettingsError(f"This cannot be used as a JSON schema: {error}\n{str(schema)[:200]}") from error

    def read(text: str) -> Any:
        try:
            value = json.loads(text)
        except ValueError as error:
            raise _NoJsonError(str(error)) from error
        try:
            validate(value)
        except fastjsonschema.JsonSchemaValueException as error:
            what = error.message.removeprefix(error.name or "").strip()
            raise ValueError(_fault(error.path[1:], what, error.value)) from error
        return value

    return Schema(dict(schema), read)


def _refuse(uri: str) -> NoReturn:
    raise ValueError(f"it points to {uri}, and chatnb fetches nothing. Write what is there into the schema itself.")


def _fault(path: Sequence[object], what: str, value: object) -> str:
    where = ".".join(map(str, path)) or "the whole"
    return f"{where}: {what} (it is {reprlib.repr(value)})"


def _listed(faults: Sequence[str]) -> str:
    more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
    return "; ".join(faults[:_SHOWN]) + more
