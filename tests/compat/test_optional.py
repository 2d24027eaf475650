"""Packages that may not be there."""

import json.decoder
import sys

import pytest

from affectsk.compat import import_optional


def test_module_is_imported():
    found = import_optional("json.decoder", extra="report", needed_by="plot")
    assert found is json.decoder


@pytest.mark.parametrize("name", ["surely_not_installed", "surely_not_installed.part"])
def test_missing_package_names_who_needs_it_and_the_extra(name):
    message = r"plot needs 'surely_not_installed'.*pip install \"affectsk\[report\]\""
    with pytest.raises(ImportError, match=message):
        import_optional(name, extra="report", needed_by="plot")


def test_fault_inside_a_package_is_not_taken_for_its_absence(tmp_path, monkeypatch):
    (tmp_path / "broken_package.py").write_text("import surely_not_installed\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="No module named 'surely_not_installed'"):
        import_optional("broken_package", extra="report", needed_by="plot")
    assert "broken_package" not in sys.modules
