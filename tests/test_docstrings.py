"""Public docstrings: their form, their defaults, and the attributes they promise."""

import importlib
import inspect
import re

import pytest
from numpydoc.docscrape import ClassDoc, FunctionDoc
from numpydoc.validate import validate
from sklearn.base import BaseEstimator

PACKAGES = [
    "affectsk",
    "affectsk.audio",
    "affectsk.compat",
    "affectsk.datasets",
    "affectsk.decision",
    "affectsk.export",
    "affectsk.heads",
    "affectsk.inference",
    "affectsk.labels",
    "affectsk.media",
    "affectsk.metrics",
    "affectsk.model_selection",
    "affectsk.pretrained",
    "affectsk.reporting",
    "affectsk.sequences",
    "affectsk.streaming",
    "affectsk.temporal",
    "affectsk.tuning",
    "affectsk.vision",
]
# Form that numpydoc could ask for and this package does not: examples may continue a sentence
# (GL01, GL03, SS05, ES01), See Also and Examples are not needed everywhere (SA01, EX01), and types
# need no full stop (PR06, PR08, PR09, RT03, RT05).
IGNORED = {"GL01", "GL03", "GL08", "SS05", "SS06", "ES01", "SA01", "SA04", "EX01", "PR01", "PR02",
           "PR06", "PR08", "PR09", "RT02", "RT03", "RT04", "RT05", "YD01", "SS03"}  # fmt: skip
# Other people's names that pass through a package.
FOREIGN = {"HasMethods", "Interval", "Options", "StrOptions", "validate_params",
           "EpochCallbackMixin", "fit_with_callbacks"}  # fmt: skip


def public_objects():
    """Yield the dotted name and the object of everything public."""
    seen = set()
    for package in PACKAGES:
        module = importlib.import_module(package)
        for name in module.__all__:
            value = getattr(module, name)
            if name in FOREIGN or not callable(value) or id(value) in seen:
                continue
            seen.add(id(value))
            yield f"{package}.{name}"


def methods():
    """Yield the dotted name of every public method that a class of ours defines."""
    for dotted in public_objects():
        owner = resolve(dotted)
        if inspect.isclass(owner):
            for name, value in vars(owner).items():
                if not name.startswith("_") and inspect.isfunction(value):
                    yield f"{dotted}.{name}"


def resolve(dotted):
    module, _, name = dotted.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError:
        return getattr(resolve(module), name)


@pytest.mark.parametrize("dotted", [*public_objects(), *methods()])
def test_form(dotted):
    errors = [(code, text) for code, text in validate(dotted)["errors"] if code not in IGNORED]
    assert not errors


def documented_parameters(value):
    doc = ClassDoc(value) if inspect.isclass(value) else FunctionDoc(value)
    return {
        name.strip().lstrip("*"): p.type for p in doc["Parameters"] for name in p.name.split(",")
    }


@pytest.mark.parametrize("dotted", [*public_objects(), *methods()])
def test_parameters_are_all_documented(dotted):
    value = resolve(dotted)
    if inspect.isclass(value) and not ClassDoc(value)["Parameters"]:
        assert "__init__" not in vars(value) or getattr(value, "_is_protocol", False)
        return
    signature = inspect.signature(value).parameters
    names = [name for name in signature if name != "self"]
    if dotted.count(".") > 2 and not FunctionDoc(value)["Parameters"]:
        assert not names
        return
    assert list(documented_parameters(value)) == names


@pytest.mark.parametrize("dotted", list(public_objects()))
def test_documented_default_is_the_real_one(dotted):
    value = resolve(dotted)
    if inspect.isclass(value) and not issubclass(value, BaseEstimator):
        return
    documented = documented_parameters(value)
    for name, parameter in inspect.signature(value).parameters.items():
        if parameter.default is inspect.Parameter.empty:
            continue
        stated = re.search(r"default=(.+)$", documented[name])
        assert stated, f"{name} has a default that its docstring does not state"
        real = parameter.default
        text = stated.group(1).strip()
        assert text in (repr(real), f'"{real}"') or eval(text) == real


def estimators():
    return [d for d in public_objects() if inspect.isclass(resolve(d))
            and issubclass(resolve(d), BaseEstimator)]  # fmt: skip


@pytest.mark.parametrize("dotted", estimators())
def test_fitted_attributes_are_documented(dotted):
    value = resolve(dotted)
    source = inspect.getsource(value)
    assigned = set(re.findall(r"self\.([a-z]\w*_)\b(?:, self\.\w+)* =[^=]", source))
    documented = {n.strip() for p in ClassDoc(value)["Attributes"] for n in p.name.split(",")}
    assert assigned <= documented


@pytest.mark.parametrize("dotted", estimators())
def test_estimators_have_an_example(dotted):
    assert ClassDoc(resolve(dotted))["Examples"]
