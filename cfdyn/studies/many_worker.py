"""A process that makes studies of a list: one request a line on stdin, one file in base64 or what went wrong on stdout."""

import base64
import json
import pickle
import warnings
from typing import Any

from cfdyn.arguments import checked
from cfdyn.errors import CfdynError, readable
from cfdyn.machine.workers import serve
from cfdyn.studies.shared import Shared
from cfdyn.studies.study import studied

SPELLED = checked(studied)


def main() -> None:
    """Answer until stdin ends; what one study found serves the next of the same loss and optimizer."""
    shared = Shared()
    warnings.simplefilter("ignore")
    serve(lambda request: json.dumps(answer(shared, request)))


def asking(arguments: tuple[Any, ...], options: dict[str, Any]) -> str:
    """A request: the arguments of a study by place and by name."""
    return base64.b64encode(pickle.dumps((arguments, options))).decode()


def answer(shared: Shared, request: str) -> dict[str, str]:
    """{file: the study's in base64} or {failure: what went wrong in a sentence}."""
    arguments, options = pickle.loads(base64.b64decode(request))
    try:
        return {"file": base64.b64encode(SPELLED(shared, *arguments, **options).to_bytes()).decode()}
    except CfdynError as problem:
        return {"failure": readable(str(problem))}
    except Exception as problem:  # whatever goes wrong in one, the others go on
        return {"failure": readable(f"a defect of cfdyn, please report it: {type(problem).__name__}: {problem}")}


if __name__ == "__main__":
    main()
