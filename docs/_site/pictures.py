"""Where a page shows the pictures that its code drew."""

import re
from pathlib import Path

from .blocks import FENCE, Block
from .dark import alone, shown

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
    place, files = PLACE.search(text), [picture for _, pictures in drawn for picture in pictures]
    first = next(iter(alone(files)), "") if place else ""
    for block, pictures in reversed(drawn):
        below = "".join(f"\n\n{shown(words(picture), picture, files)}" for picture in alone(pictures) if picture != first)
        text = text[: block.end] + below + text[block.end :]
        if place and pictures and "plt." in block.code and (fence := FENCE.match(text, block.begin)):
            text = text[: block.begin] + FOLDED.format(fence[0]) + text[fence.end() :]
    return PLACE.sub(lambda found: f"{shown(' '.join(found[1].split()), first, files)}\n\n*{found[1]}*", text) if first else text


def words(picture: str) -> str:
    """What a picture is, for those who do not see it."""
    return f"{Path(picture).stem.replace('_', ' ').replace('-', ' ')}, drawn by the code above"
