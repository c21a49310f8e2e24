"""Imports inside functions, which hide what a module needs: where they are, and how many.

python -m bench.local_imports [FOLDER...]
"""

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]


def local_imports(folder: Path) -> Iterator[tuple[Path, int, str]]:
    """File, line and text of every import inside a function of a folder's Python files."""
    for path in sorted(folder.rglob("*.py")):
        seen = set()
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                for node in ast.walk(function):
                    if _imports(node) and node.lineno not in seen:
                        seen.add(node.lineno)
                        yield path, node.lineno, ast.unparse(node)


def _imports(node: ast.AST) -> bool:
    """An import statement, or a call that imports."""
    called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
    return isinstance(node, ast.Import | ast.ImportFrom) or called.endswith(("import_module", "__import__"))


if __name__ == "__main__":
    folders = [Path(one) for one in sys.argv[1:]] or [ROOT / "di_assets", ROOT / "dashboard"]
    found = [one for folder in folders for one in local_imports(folder)]
    for path, line, text in found:
        print(f"{path}:{line}: {text}")
    for path, count in Counter(path for path, *_ in found).most_common():
        print(f"{count:3} {path}")
    print(f"{len(found)} in all")
