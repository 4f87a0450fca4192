"""Where a page shows the pictures that its code drew."""

import re
from pathlib import Path

from .blocks import FENCE, Block

PLACE = re.compile(r"^<!-- picture: (.+?) -->$", re.DOTALL | re.MULTILINE)
FOLDED = "<details>\n<summary>Code of the picture</summary>\n\n{}\n\n</details>"


def with_pictures(text: str, drawn: list[tuple[Block, list[str]]]) -> str:
    """The page with its pictures, each below its code.

    A comment with a caption makes a place for the first one; on such a page code that calls matplotlib itself is folded.

    >>> from docs._site.blocks import blocks
    >>> page = "<!-- picture: Two dots. -->\\n\\n```python\\nplt.plot()\\n```\\n"
    >>> print(with_pictures(page, [(blocks(page)[0], ["/two.png"])]).replace("\\n\\n", "\\n"))
    ![Two dots.](/two.png)
    *Two dots.*
    <details>
    <summary>Code of the picture</summary>
    ```python
    plt.plot()
    ```
    </details>
    <BLANKLINE>
    """
    place = PLACE.search(text)
    first = next((pictures[0] for _, pictures in drawn if pictures and place), "")
    for block, pictures in reversed(drawn):
        below = "".join(f"\n\n{shown_as(picture)}" for picture in pictures if picture != first)
        text = text[: block.end] + below + text[block.end :]
        if place and pictures and "plt." in block.code and (fence := FENCE.match(text, block.begin)):
            text = text[: block.begin] + FOLDED.format(fence[0]) + text[fence.end() :]
    return PLACE.sub(lambda found: f"![{' '.join(found[1].split())}]({first})\n\n*{found[1]}*", text) if first else text


def shown_as(picture: str) -> str:
    """A picture in the language of pages."""
    words = Path(picture).stem.replace("_", " ").replace("-", " ")
    return f"![{words}, drawn by the code above]({picture})"
