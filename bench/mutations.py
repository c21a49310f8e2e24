"""What one line of a function may become when somebody makes a slip: `mutations(source, function)`.

A mutation is text for text, so that the rest of the file stays as it was. Left out: docstrings, type annotations,
f-strings, the words of errors and of logging, and what changes nothing by construction (`encoding=`, `strict=` of zip,
seconds of a timeout, the type in a cast).
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

FLIPPED = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
EDGES = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
SWAPPED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
           ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd}  # fmt: skip
TWINS = {"min": "max", "max": "min", "any": "all", "all": "any"}
LOGS = {"debug", "info", "warning", "error", "exception", "critical", "warn"}
PRINTS = {"echo", "print", "secho"}
QUIET = {"encoding", "strict", "timeout", "timeout_s", "stacklevel"}
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Mutation:
    """Kind of slip, line in the file, what stood there and what stands there now, and the file's whole new text."""

    kind: str
    line: int
    before: str
    after: str
    source: str


def statements(function: FUNCTION) -> list[ast.stmt]:
    """A function's body without its docstring."""
    return function.body[1 if ast.get_docstring(function, clean=False) is not None else 0 :]


def size(function: FUNCTION) -> int:
    """Statements of a function, those inside others counted too."""
    return sum(isinstance(node, ast.stmt) for one in statements(function) for node in _within(one))


def mutations(source: str, function: FUNCTION) -> list[Mutation]:
    """Every mutation of a function of a file, those of functions inside it left to them."""
    nodes = [node for statement in statements(function) for node in _within(statement)]
    return [_replaced(source, *slip) for node in nodes for slip in _slips(node)]


def _within(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that may be mutated, from the outermost in."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.JoinedStr | ast.Assert):
        return
    yield node
    if isinstance(node, ast.Raise) or (isinstance(node, ast.Call) and _called(node) in LOGS | PRINTS):
        return
    for field, value in ast.iter_fields(node):
        if field == "annotation" or (field == "keywords" and not value):
            continue
        children = value if isinstance(value, list) else [value]
        if field == "args" and isinstance(node, ast.Call) and _called(node) == "cast":
            children = children[1:]
        for child in children:
            if isinstance(child, ast.AST) and getattr(child, "arg", None) not in QUIET:
                yield from _within(child)


def _called(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _slips(node: ast.AST) -> Iterator[tuple[str, ast.AST, str]]:
    """Kind of slip, node to replace and the text to put in its place."""
    match node:
        case ast.Compare(left=left, ops=[op], comparators=rest):
            for new in filter(None, (FLIPPED[type(op)], EDGES.get(type(op)))):
                yield "comparison", node, _text(ast.Compare(left, [new()], rest))
        case ast.BoolOp(op=op, values=values):
            yield "and/or", node, _text(ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values))
        case ast.BinOp(op=ast.Div(), right=ast.Constant(value=str()) | ast.JoinedStr()):
            return  # the name of a file in a folder
        case ast.BinOp(left=left, op=op, right=right) if type(op) in SWAPPED:
            yield "operator", node, _text(ast.BinOp(left, SWAPPED[type(op)](), right))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield "not dropped", node, _text(operand)
        case ast.Constant(value=bool(value)):
            yield "constant", node, str(not value)
        case ast.Constant(value=int(value) | float(value)):
            yield from (("constant", node, f"({value + step})") for step in (1, -1))
        case ast.Constant(value=str(value)) if value:
            yield "constant", node, '("")'
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield "return", node, "return None"
        case ast.Expr(value=ast.Call() as call) | ast.Expr(value=ast.Await(value=ast.Call() as call)):
            if _called(call) not in LOGS:
                yield "call removed", node, "pass"
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]) | ast.AugAssign():
            yield "assignment removed", node, "pass"
        case ast.Continue() | ast.Break():
            yield "loop", node, "break" if isinstance(node, ast.Continue) else "continue"
        case ast.Call(func=ast.Name(id=name) as func) if name in TWINS:
            yield "twin", func, TWINS[name]
    match node:
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            yield "condition negated", test, f"(not {_text(test)})"
        case ast.comprehension(ifs=[*tests]):
            yield from (("condition negated", test, f"(not {_text(test)})") for test in tests)
        case ast.Call(func=func, args=args, keywords=keywords) if _called(node) not in LOGS | PRINTS:
            for one in keywords:
                if one.arg and one.arg not in QUIET:
                    rest = [other for other in keywords if other is not one]
                    yield f"argument {one.arg}= dropped", node, _text(ast.Call(func, args, rest))


def _text(node: ast.expr) -> str:
    return f"({ast.unparse(ast.fix_missing_locations(node))})"


def _replaced(source: str, kind: str, node: ast.AST, text: str) -> Mutation:
    """Columns of the syntax tree count bytes."""
    lines = source.encode().splitlines(keepends=True)
    start = sum(map(len, lines[: node.lineno - 1])) + node.col_offset
    end = sum(map(len, lines[: node.end_lineno - 1])) + node.end_col_offset
    whole = source.encode()
    before = " ".join(whole[start:end].decode().split())
    return Mutation(kind, node.lineno, before, text, (whole[:start] + text.encode() + whole[end:]).decode())
