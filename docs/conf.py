"""Configuration of Sphinx."""

from importlib.metadata import version as installed_version

project = "affectsk"
author = "The affectsk developers"
copyright = "2026, the affectsk developers"
version = release = installed_version("affectsk")

extensions = ["matplotlib.sphinxext.plot_directive", "myst_parser", "numpydoc",
              "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.mathjax"]  # fmt: skip
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
autosummary_generate = True
numpydoc_show_class_members = False
html_theme = "pydata_sphinx_theme"
html_title = "affectsk"
plot_html_show_source_link = False
plot_html_show_formats = False
plot_formats = [("svg", 72)]
