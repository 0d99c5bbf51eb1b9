"""Tell which names code binds and deletes, and which of them are the notebook's."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_SCOPES = (*_DEFINITIONS, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True, slots=True)
class Bindings:
    """What code binds.

    Attributes
    ----------
    in_notebook
        "assigned" or "deleted", and the name: of what is outside of functions, and what these declare as global.
    functions
        Names of functions and classes that are defined there.
    others
        Names that stand for something else, anywhere.
    """

    in_notebook: tuple[tuple[str, str], ...]
    functions: frozenset[str]
    others: frozenset[str]


def bindings_of(tree: ast.AST) -> Bindings:
    """Return what code binds and deletes, in functions and outside of them."""
    stack: list[tuple[ast.AST, bool, frozenset[str]]] = [(tree, True, frozenset())]
    found: list[tuple[str, str]] = []
    functions: set[str] = set()
    others: set[str] = set()
    while stack:
        node, is_global, declared = stack.pop()
        for name, kind in _bound_by(node):
            is_defined = is_global and isinstance(node, _DEFINITIONS)
            (functions if is_defined else others).add(name)
            if is_global or name in declared:
                found.append((kind, name))
        body: set[int] = set()  # what does not bind in the notebook; decorators and defaults do
        if isinstance(node, _SCOPES):
            body = set(map(id, node.body if isinstance(node.body, list) else [node.body]))
            own = (each.names for each in ast.walk(node) if isinstance(each, ast.Global))
            declared = frozenset(name for names in own for name in names)
        elif isinstance(node, _COMPREHENSIONS):
            body = set(map(id, ast.iter_child_nodes(node)))
            if is_global:
                found += [("assigned", each.target.id) for each in ast.walk(node) if isinstance(each, ast.NamedExpr)]
        children = reversed(list(ast.iter_child_nodes(node)))
        stack.extend((child, is_global and id(child) not in body, declared) for child in children)
    return Bindings(tuple(found), frozenset(functions), frozenset(others))


def _bound_by(node: ast.AST) -> Iterator[tuple[str, str]]:
    match node:
        case ast.Name(id=name, ctx=ast.Store()):
            yield name, "assigned"
        case ast.Name(id=name, ctx=ast.Del()):
            yield name, "deleted"
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name, "assigned"
        case ast.Import(names=aliases):
            yield from (((each.asname or each.name.partition(".")[0]), "assigned") for each in aliases)
        case ast.ImportFrom(names=aliases):
            yield from (((each.asname or each.name), "assigned") for each in aliases if each.name != "*")
        case ast.ExceptHandler(name=str() as name):
            yield name, "assigned"
            yield name, "deleted"
        case ast.MatchAs(name=str() as name) | ast.MatchStar(name=str() as name) | ast.MatchMapping(rest=str() as name):
            yield name, "assigned"
