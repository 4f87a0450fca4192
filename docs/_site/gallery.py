"""``{gallery}`` with names of records: a thumbnail of each, drawn in light and dark by the lines below it."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from papers.gallery import Example, examples

from .dark import shown, twin, twins

if TYPE_CHECKING:
    from sphinx.application import Sphinx

CHOSEN = re.compile(r"^```\{gallery\}\n(.+?)^```$", re.DOTALL | re.MULTILINE)
THUMBNAIL = """<div class="thumbnail">

{picture}

<details>
<summary>{title}</summary>

```python
{code}
```

</details>
</div>
"""


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls."""
    app.connect("source-read", source_read)
    return {"parallel_read_safe": True}


def source_read(app: Sphinx, name: str, source: list[str]) -> None:
    """Draw what the page asks for, and put it into the text."""
    folder = Path(app.srcdir) / "_build" / "figures" / name
    for example in chosen(source[0]):
        draw(example, folder)
    source[0] = with_thumbnails(source[0], folder.relative_to(app.srcdir).as_posix())


def chosen(text: str) -> list[Example]:
    """The examples that a page names, each by the record that it draws."""
    known = {example.record: example for example in examples()}
    return [known[name] for block in CHOSEN.findall(text) for name in block.split()]


def with_thumbnails(text: str, place: str) -> str:
    """The page with a thumbnail of each, whose files lie in a folder of the site.

    >>> print(with_thumbnails("```{gallery}\\nBranch\\n```\\n", "pictures").splitlines()[4])
    ![One cycle, continued](/pictures/branch.png){.only-light}![One cycle, continued](/pictures/branch-dark.png){.only-dark}
    """

    def thumbnail(example: Example) -> str:
        title = example.title[0].upper() + example.title[1:]
        picture = f"/{place}/{example.picture}"
        return THUMBNAIL.format(title=title, picture=shown(title, picture, [twin(picture)]), code=example.code)

    return CHOSEN.sub(lambda block: '<div class="gallery">\n\n' + "\n".join(map(thumbnail, chosen(block[0]))) + "\n</div>", text)


def draw(example: Example, folder: Path) -> None:
    """Write the picture of the lines, and the one for a dark page."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place, twins():
        example.draw(Path(place))
        for picture in Path(place).glob("*.png"):
            shutil.move(picture, folder / picture.name)
