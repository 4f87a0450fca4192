"""What setup.cfg cannot say: the text that a package index shows, and that papers/ is installed as the package cfdyn_papers.

An editable installation finds papers/ beside cfdyn.
"""

import re
import sys
from pathlib import Path

from setuptools import find_packages, setup


def shown_on_an_index() -> str:
    """The README without its picture, and without links to files of the source, which lead nowhere there."""
    text = (Path(__file__).parent / "README.md").read_text(encoding="utf-8")
    text = re.sub(r"^!\[[^\]]*\]\([^)]*\)\n\n\*.*?\*\n\n", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"\[([^\]]+)\]\((?!https?:)[^)]*\)", r"\1", text)


papers = [] if "editable_wheel" in sys.argv else ["cfdyn_papers"]
setup(packages=[*find_packages(include=["cfdyn", "cfdyn.*"]), *papers], package_dir={"": ".", **dict.fromkeys(papers, "papers")},
      long_description=shown_on_an_index(), long_description_content_type="text/markdown")  # fmt: skip
