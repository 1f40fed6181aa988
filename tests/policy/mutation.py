"""Weakening the guards one by one: what a slip of the pen could do to a page of permissions.

A mutant is the source with one thing changed in a function that answers yes or no, or that returns the rows somebody
may see: a guard that says yes to everybody, or the opposite; a condition, an operand or a filter that is missing; a
comparison the wrong way round.
"""

import ast
from collections.abc import Callable, Collection, Iterator
from copy import deepcopy
from dataclasses import dataclass

_OPPOSITES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
}
_NARROWING = ("filter", "exclude", "none")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed source, named by its function and what was changed there."""

    name: str
    function: str
    source: str


def mutants_of(source: str, *, also: Collection[str] = ()) -> list[Mutant]:
    """Return every mutant of the guards in a module, and of functions named, in the order of the source; each once."""
    tree = ast.parse(source)
    found, seen = [], {ast.dump(tree)}
    for index, node in enumerate(tree.body):
        if not isinstance(node, ast.FunctionDef) or not (_kind(node) or node.name in also):
            continue
        for change, mutated in _mutations(node):
            whole = deepcopy(tree)
            whole.body[index] = mutated
            if (dump := ast.dump(whole)) not in seen:
                seen.add(dump)
                changed = ast.unparse(ast.fix_missing_locations(whole))
                found.append(Mutant(f"{node.name}: {change}", node.name, changed + "\n"))
    return found


def _kind(function: ast.FunctionDef) -> str | None:
    """Tell a guard ("bool") from a scope ("rows"); everything else is neither."""
    returns = ast.unparse(function.returns) if function.returns else ""
    if returns == "bool":
        return "bool"
    return "rows" if any(word in returns for word in ("QuerySet", "Exists")) else None


def _mutations(function: ast.FunctionDef) -> Iterator[tuple[str, ast.FunctionDef]]:
    if _kind(function) == "bool":
        yield "says yes to everybody", _with_body(function, "return True")
        yield "says no to everybody", _with_body(function, "return False")
        yield "says the opposite", _opposite(function)
    for position, node in enumerate(_statements(function)):
        for change, replace in _replacements(node):
            mutated = deepcopy(function)
            target = _statements(mutated)[position]
            yield (
                f"{change} in line {getattr(node, 'lineno', 0) - function.lineno}",
                _replaced(mutated, target, replace(target)),
            )


def _statements(function: ast.FunctionDef) -> list[ast.AST]:
    """Return every node of the body, always in the same order; annotations and defaults decide nothing."""
    return [node for statement in function.body for node in ast.walk(statement)]


def _with_body(function: ast.FunctionDef, statement: str) -> ast.FunctionDef:
    mutated = deepcopy(function)
    mutated.body = ast.parse(statement).body
    return mutated


def _opposite(function: ast.FunctionDef) -> ast.FunctionDef:
    mutated = deepcopy(function)
    for node in ast.walk(mutated):
        if isinstance(node, ast.Return) and node.value is not None:
            node.value = ast.UnaryOp(ast.Not(), node.value)
    return mutated


Change = tuple[str, Callable[[ast.AST], ast.AST]]


def _replacements(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.BoolOp):
        for index, operand in enumerate(node.values):
            yield f"without `{ast.unparse(operand)}`", lambda each, index=index: _without_operand(each, index)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield f"`{ast.unparse(node)}` without not", lambda each: each.operand
    elif isinstance(node, ast.Compare):
        yield f"`{ast.unparse(node)}` the wrong way round", _turned
    elif isinstance(node, ast.If):
        if not isinstance(node.test, ast.UnaryOp):  # that one loses its `not` above
            yield f"`if {ast.unparse(node.test)}` the wrong way round", _if_not
        yield f"`if {ast.unparse(node.test)}` never", _never
    elif isinstance(node, ast.IfExp):
        yield f"`if {ast.unparse(node.test)}` the wrong way round", _if_not
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr | ast.BitAnd):
        yield f"without `{ast.unparse(node.left)}`", lambda each: each.right
        yield f"without `{ast.unparse(node.right)}`", lambda each: each.left
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _NARROWING:
        yield f"without .{node.func.attr}({_arguments(node)})", _unfiltered
        for index, keyword in enumerate(node.keywords):
            if len(node.keywords) > 1:
                yield f"without the condition {keyword.arg}", lambda each, index=index: _without_keyword(each, index)


def _arguments(call: ast.Call) -> str:
    return ", ".join(ast.unparse(argument) for argument in (*call.args, *call.keywords))


def _without_operand(node: ast.AST, index: int) -> ast.AST:
    assert isinstance(node, ast.BoolOp)
    rest = [value for at, value in enumerate(node.values) if at != index]
    return rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)


def _turned(node: ast.AST) -> ast.AST:
    assert isinstance(node, ast.Compare)
    node.ops = [_OPPOSITES[type(node.ops[0])](), *node.ops[1:]]
    return node


def _if_not(node: ast.AST) -> ast.AST:
    assert isinstance(node, ast.If | ast.IfExp)
    node.test = ast.UnaryOp(ast.Not(), node.test)
    return node


def _never(node: ast.AST) -> ast.AST:
    assert isinstance(node, ast.If)
    node.test = ast.Constant(False)
    return node


def _unfiltered(node: ast.AST) -> ast.AST:
    """Return all rows of what was narrowed; a manager is asked for its rows first."""
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Attribute)
    return ast.Call(ast.Attribute(node.func.value, "all", ast.Load()), [], [])


def _without_keyword(node: ast.AST, index: int) -> ast.AST:
    assert isinstance(node, ast.Call)
    node.keywords = [keyword for at, keyword in enumerate(node.keywords) if at != index]
    return node


class _Replacer(ast.NodeTransformer):
    def __init__(self, target: ast.AST, replacement: ast.AST) -> None:
        self._target, self._replacement = target, replacement

    def visit(self, node: ast.AST) -> ast.AST:
        if node is self._target:
            return self._replacement
        return self.generic_visit(node)


def _replaced(function: ast.FunctionDef, target: ast.AST, replacement: ast.AST) -> ast.FunctionDef:
    changed = _Replacer(target, replacement).visit(function)
    assert isinstance(changed, ast.FunctionDef)
    return changed
