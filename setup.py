"""The folder papers/ is installed as the package cfdyn_papers; an editable installation finds it beside cfdyn."""

import sys

from setuptools import find_packages, setup

papers = [] if "editable_wheel" in sys.argv else ["cfdyn_papers"]
setup(packages=[*find_packages(include=["cfdyn", "cfdyn.*"]), *papers], package_dir={"": ".", **dict.fromkeys(papers, "papers")})
