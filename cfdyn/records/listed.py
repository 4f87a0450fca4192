"""`Listed`: a record that acts as the list in one of its fields."""

from collections.abc import Iterator
from typing import Any, ClassVar, Generic, TypeVar

T = TypeVar("T")


class Listed(Generic[T]):
    """Base of such records; ``of``: the name of that field."""

    _of: ClassVar[str]

    def __init_subclass__(cls, of: str, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._of = of

    def __len__(self) -> int:
        return len(getattr(self, self._of))

    def __iter__(self) -> Iterator[T]:
        return iter(getattr(self, self._of))

    def __getitem__(self, place: int) -> T:
        return getattr(self, self._of)[place]
