"""Functions, classes, modules, and what runs or yields later; none of them is called or consumed."""

from __future__ import annotations

import ast
import functools
import inspect
import linecache
import operator
import textwrap
import types
from itertools import islice
from typing import Any

from .kinds import Describer, Kind, Lines
from .lookup import of_class, own, static
from .texts import clip, count, listed, middle_cut, module_name, type_name

_LONGEST_FILE = 300_000
_LINE = 200
_FUNCTIONS = (types.FunctionType, types.MethodType, types.BuiltinFunctionType, types.MethodDescriptorType)
_FUTURES = {"Task", "Future"}


def kind_of(value: object) -> Kind | None:
    """Return the kind of something that can be called, imported or resumed."""
    cls = type(value)
    if issubclass(cls, (*_FUNCTIONS, types.WrapperDescriptorType, types.ClassMethodDescriptorType)):
        return _function
    if issubclass(cls, functools.partial):
        return _partial
    if issubclass(cls, type):
        return _class
    if issubclass(cls, types.ModuleType):
        return _module
    if issubclass(cls, (types.GeneratorType, types.AsyncGeneratorType, types.CoroutineType)):
        return _suspended
    if module_name(cls) in {"_asyncio", "asyncio"} and cls.__name__ in _FUTURES:
        return _task
    is_iterator = of_class(cls, "__next__") and of_class(cls, "__iter__")
    return _iterator if is_iterator else None


def _function(value: Any, describer: Describer) -> Lines:
    yield f"{_kind_of_function(value)} {_signature(value)}"
    if isinstance(value, types.MethodType):
        yield f"of {describer.brief(value.__self__)}"
    plain = inspect.unwrap(value, stop=lambda one: not isinstance(static(one, "__wrapped__"), types.FunctionType))
    plain = plain.__func__ if isinstance(plain, types.MethodType) else plain
    source = _source_of(plain.__code__) if isinstance(plain, types.FunctionType) else ""
    if source:
        yield middle_cut(source, max(describer.limit - 200, 100))
    elif doc := inspect.getdoc(value):
        yield middle_cut(doc, max(describer.limit - 200, 100))


def _kind_of_function(value: Any) -> str:
    code = getattr(value, "__code__", None)
    if code is not None and code.co_flags & (inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
        return "async function"
    if code is not None and code.co_flags & inspect.CO_GENERATOR:
        return "generator function"
    return "method" if isinstance(value, types.MethodType) else "function"


def _signature(value: Any) -> str:
    name = getattr(value, "__qualname__", type_name(type(value)))
    module = getattr(value, "__module__", None) or ""
    full = name if module in {"__main__", "builtins", ""} else f"{module}.{name}"
    try:
        return f"{full.replace('<locals>.', '')}{inspect.signature(value)}"
    except (ValueError, TypeError):
        return f"{full}(…)"


def _source_of(code: types.CodeType) -> str:
    # inspect.getsource would look through all modules first, and wake those that load lazily.
    if code.co_name.startswith("<"):  # a lambda or an expression: no lines of its own
        return clip(linecache.getline(code.co_filename, code.co_firstlineno), _LINE)
    lines = linecache.getlines(code.co_filename)[code.co_firstlineno - 1 :]
    return textwrap.dedent("".join(inspect.getblock(lines))).strip() if lines else ""


def _partial(value: Any, describer: Describer) -> Lines:
    arguments = [describer.brief(one) for one in value.args]
    arguments += [f"{name}={describer.brief(one)}" for name, one in value.keywords.items()]
    yield f"functools.partial of {describer.brief(value.func)}, with {', '.join(arguments) or 'no arguments'}"


def _class(value: Any, describer: Describer) -> Lines:
    held = own(value)
    parents = [type_name(base) for base in type.__dict__["__bases__"].__get__(value) if base is not object]
    if "__total__" in held:
        parents = ["TypedDict"]
    yield f"class {type_name(value)}{'(' + ', '.join(parents) + ')' if parents else ''}"
    fields = {name: kind for name, kind in (held.get("__annotations__") or {}).items() if type(name) is str}
    members = of_class(value, "_member_map_")
    if isinstance(members, dict):
        named = (f"{name}={describer.brief(static(member, '_value_'), 40)}" for name, member in members.items())
        yield f"members: {listed(named, len(members), describer.limit // 2)}"
    if source := _source_of_class(value, held):
        yield middle_cut(source, max(describer.limit - 300, 100))
        return
    if isinstance(held.get("__doc__"), str):
        yield middle_cut(inspect.cleandoc(held["__doc__"]), max(describer.limit // 2, 100))
    if fields:
        yield "fields:"
        yield from (f"  {name}: {_type_of_field(kind)}" for name, kind in islice(fields.items(), 40))
    methods = [name for name, one in held.items() if not name.startswith("_") and _is_callable(one)]
    if methods:
        yield "methods:"
    for name in islice(methods, 40):
        yield f"  {clip(_signature(_function_of(held[name])), 160)}"


def _type_of_field(kind: Any) -> str:
    return clip(kind if isinstance(kind, str) else type_name(kind) if isinstance(kind, type) else repr(kind), 80)


def _is_callable(member: Any) -> bool:
    return isinstance(_function_of(member), _FUNCTIONS)


def _function_of(member: Any) -> Any:
    return member.__func__ if isinstance(member, (staticmethod, classmethod)) else member


def _source_of_class(cls: type, held: Any) -> str:
    """Return the source of a class, found through one of its methods: `inspect` finds no class of a notebook."""
    codes = (getattr(_function_of(member), "__code__", None) for member in held.values())
    # What a decorator adds was written elsewhere, or nowhere.
    within = f"{type.__dict__['__qualname__'].__get__(cls)}."
    written = (code for code in codes if code is not None and code.co_qualname.startswith(within))
    code = next((code for code in written if not code.co_filename.startswith("<string")), None)
    lines = linecache.getlines(code.co_filename) if code is not None else []
    if code is None or not lines or sum(map(len, lines)) > _LONGEST_FILE:
        return ""
    for node in ast.walk(ast.parse("".join(lines))):
        if isinstance(node, ast.ClassDef) and node.name == type.__dict__["__name__"].__get__(cls) and node.end_lineno:
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            if first <= code.co_firstlineno <= node.end_lineno:
                return textwrap.dedent("".join(lines[first - 1 : node.end_lineno])).strip()
    return ""


def _module(value: Any, describer: Describer) -> Lines:
    # Not vars() nor getattr(): a module that loads lazily would load.
    held = types.ModuleType.__getattribute__(value, "__dict__")
    doc = held.get("__doc__")
    about = clip(doc.strip().partition("\n")[0], 120) if isinstance(doc, str) and doc.strip() else ""
    yield f"module {held.get('__name__')}{': ' + about if about else ''}"
    if isinstance(held.get("__version__"), str):
        yield f"version {held['__version__']}"
    exported = held.get("__all__")
    names = (
        list(exported) if isinstance(exported, (list, tuple)) else [name for name in held if not name.startswith("_")]
    )
    yield f"{count(len(names), 'public name')}:"
    for name in names:
        yield f"  {name}{_about_member(held[name], describer) if name in held else ''}"


def _about_member(member: Any, describer: Describer) -> str:
    if isinstance(member, types.ModuleType):
        return ": module"
    if isinstance(member, (type, *_FUNCTIONS)):
        doc = of_class(member, "__doc__") if isinstance(member, type) else member.__doc__
        line = doc.strip().partition("\n")[0] if isinstance(doc, str) else ""
        return clip(f"{': class' if isinstance(member, type) else '()'} {line}".rstrip(), 90)
    return f" = {describer.brief(member, 60)}"


def _suspended(value: Any, describer: Describer) -> Lines:
    prefix = next(one for one in ("gi", "ag", "cr") if hasattr(value, f"{one}_frame"))
    word = {"gi": "generator", "ag": "asynchronous generator", "cr": "coroutine"}[prefix]
    code = getattr(value, f"{prefix}_code")
    state = "finished" if getattr(value, f"{prefix}_frame") is None else "not finished"
    yield f"{word} {value.__qualname__.replace('<locals>.', '')}, {state}; not consumed"
    if source := _source_of(code):
        yield middle_cut(source, max(describer.limit - 200, 100))


def _task(value: Any, describer: Describer) -> Lines:
    state = "cancelled" if value.cancelled() else "done" if value.done() else "pending"
    name = f" {value.get_name()!r}" if hasattr(value, "get_name") else ""
    # Its result or exception is not asked for: that would count as having been looked at.
    yield f"{type_name(type(value))}{name}, {state}"
    if hasattr(value, "get_coro"):
        yield f"of {describer.brief(value.get_coro())}"


def _iterator(value: Any, _: Describer) -> Lines:
    left = operator.length_hint(value) if module_name(type(value)) == "builtins" else 0
    yield f"{type_name(type(value))}, an iterator{f', {left:,} left' if left else ''}; not consumed"
