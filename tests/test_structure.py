"""The house: what an import loads, and how long files and functions may be."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import affectsk

FILES = sorted(Path(affectsk.__file__).parent.rglob("*.py"))


def test_import_loads_neither_torch_nor_other_heavy_packages():
    code = "import affectsk, sys; print([m for m in ('torch', 'skorch', 'optuna', 'imblearn', "
    code += "'scipy.signal', 'matplotlib', 'onnx', 'onnxruntime', 'av', 'dask', 'timm', "
    code += "'transformers') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr


def only_assigns(function):
    """Say whether it is the `__init__` of an estimator, as long as its list of parameters."""
    lines = [f"self.{argument.arg} = {argument.arg}" for argument in
             [*function.args.args[1:], *function.args.kwonlyargs]]  # fmt: skip
    return function.name == "__init__" and [ast.unparse(line) for line in function.body] == lines


@pytest.mark.parametrize("path", FILES, ids=lambda p: "/".join(p.parts[-2:]))
def test_size_budgets(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 450
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not only_assigns(node):
            docstring = node.body[0] if ast.get_docstring(node) is not None else None
            documentation = docstring.end_lineno - docstring.lineno + 1 if docstring else 0
            assert node.end_lineno - node.lineno + 1 - documentation <= 50, node.name


@pytest.mark.parametrize("path", FILES, ids=lambda p: "/".join(p.parts[-2:]))
def test_every_file_says_what_it_is_for_and_what_it_offers(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    if path.name != "__main__.py":
        names = {t.id for n in tree.body if isinstance(n, ast.Assign) for t in n.targets
                 if isinstance(t, ast.Name)}  # fmt: skip
        assert "__all__" in names
