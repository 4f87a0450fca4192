"""The site: ``make docs`` builds it into docs/_build/html. Nothing on it is fetched from elsewhere."""

import logging
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cfdyn

project = "cfdyn"
author = copyright = "The cfdyn developers"
version = release = cfdyn.__version__

_OWN = [f"docs._site.{name}" for name in ("executed", "gallery", "live", "outside", "reference", "docstrings", "formulas")]
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", *_OWN]
exclude_patterns = ["_build", "_site"]
nitpicky = True
suppress_warnings = ["config.cache"]
# A folder may name all its pages in its contents; the warning has no type by which it could be suppressed.
logging.getLogger("sphinx.sphinx.directives.other").addFilter(lambda record: "didn't match any documents" not in str(record.msg))

myst_enable_extensions = ["attrs_inline", "dollarmath"]
myst_heading_anchors = 3
html_math_renderer = "mathml"

default_role = "py:obj"  # `cf.study` in a docstring is a link where there is something to lead to
nitpick_ignore_regex = [("py:.*", ".*")]
autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_google_docstring = False
napoleon_use_param = False
napoleon_use_rtype = False

html_theme = "furo"
html_title = "cfdyn"
html_static_path = ["_static"]
html_css_files = ["cfdyn.css"]
html_copy_source = False
html_show_sourcelink = False
highlight_language = "none"  # a block without a language is what code prints, or commands
linkcheck_anchors = False
