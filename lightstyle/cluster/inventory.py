"""What workers keep of pictures and feeds, and the numbers by which it is known."""

import weakref
from itertools import count
from typing import Any

from ..arrays import FloatArray
from ..engine.strips import Tiling
from .band_crew import WorkerHandle
from .spread import Source, Spread

#: A token, the first line of a band, and the name of a feed; "" for all features.
Key = tuple[int, int, str]


class Inventory:
    """Knows what each worker keeps.

    A token is the number of a picture's features, or of an array. It holds as long as
    somebody can ask for them.
    """

    def __init__(self) -> None:
        """Know of nothing yet."""
        self._numbers = count(1)
        self._tokens: dict[int, int] = {}  # of arrays, by their id
        self._dead: set[int] = set()  # tokens of what is no more
        self._known: dict[WorkerHandle, set[Key]] = {}

    def source(self, image: FloatArray, tiling: Tiling) -> Source:
        """Give the features of a picture, (1, 3, H, W), a token."""
        source = Source(image, tiling, next(self._numbers))
        weakref.finalize(source, self._dead.add, source.token)
        return source

    def token(self, feed: Any) -> int:
        """Return the token of features, or of an array."""
        if isinstance(feed, Spread):
            return feed.source.token
        if id(feed) not in self._tokens:
            token = self._tokens[id(feed)] = next(self._numbers)
            weakref.finalize(feed, self._tokens.pop, id(feed), None)
            weakref.finalize(feed, self._dead.add, token)
        return self._tokens[id(feed)]

    def by(self, worker: WorkerHandle) -> set[Key]:
        """Return what a worker keeps, to be added to."""
        return self._known.setdefault(worker, set())

    def lose(self, worker: WorkerHandle) -> None:
        """Take note that what a worker kept is gone."""
        self._known.pop(worker, None)

    def forget(self) -> None:
        """Have workers drop what nobody can ask for any more."""
        dead = {*self._dead}
        if dead:
            self._dead -= dead
            for worker, known in self._known.items():
                worker.start("drop", dead)
                known -= {key for key in known if key[0] in dead}
