"""What setup.cfg cannot say: links that lead somewhere from an index, and that papers/ is installed as the package cfdyn_papers.

An editable installation finds papers/ beside cfdyn.
"""

import re
import sys
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
LINK = re.compile(r"(!?\[[^\]]*\])\((?!https?:)([^)]*)\)")
PICTURE = re.compile(r"^!\[[^\]]*\]\([^)]*\)\n\n\*.*?\*\n\n", re.MULTILINE | re.DOTALL)
PLACES = {"Documentation": "docs/index.md", "Source": "", "Changelog": "CHANGELOG.md"}


def home_page() -> str:
    """The address of the source that setup.cfg has as Homepage under project_urls, or "" where there is none."""
    config = ConfigParser(interpolation=None)
    config.read(HERE / "setup.cfg", encoding="utf-8")
    found = re.search(r"^Homepage *= *(.*)$", config.get("metadata", "project_urls", fallback=""), re.MULTILINE)
    if found and not re.fullmatch(r"https://[^/\s]+/\S*[^/\s]", found[1]):
        sys.exit(f"setup.cfg: a Homepage is https://HOST/PATH of the source, without a slash at its end, not {found[1]!r}")
    return found[1] if found else ""


def address(home: str, path: str, kind: str = "blob") -> str:
    """Of a file of the source, as GitHub and GitLab have it: HEAD is the main branch, ``raw`` a file as it is."""
    return f"{home}/{kind}/HEAD/{path}" if path else home


def shown_on_an_index(home: str) -> str:
    """The README with links that lead to the home page; without one, without its picture and links to files of the source."""
    text = (HERE / "README.md").read_text(encoding="utf-8")
    if not home:
        return LINK.sub(lambda link: link[1][1:-1], PICTURE.sub("", text))
    return LINK.sub(lambda link: f"{link[1]}({address(home, link[2], 'raw' if link[1][0] == '!' else 'blob')})", text)


home = home_page()
links = {"Homepage": home, **{name: address(home, path) for name, path in PLACES.items()}} if home else {}
papers = [] if "editable_wheel" in sys.argv else ["cfdyn_papers"]
setup(packages=[*find_packages(include=["cfdyn", "cfdyn.*"]), *papers], package_dir={"": ".", **dict.fromkeys(papers, "papers")},
      long_description=shown_on_an_index(home), long_description_content_type="text/markdown", project_urls=links)  # fmt: skip
