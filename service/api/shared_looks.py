"""Answer many who ask the same at once by one look, begun after each of them asked.

In:     a question, and a look that answers it in a thread.
Out:    the answer, or the error, as if each had looked alone.
Source: the pattern is known as "single flight"; here nobody joins a look that has begun already.

What is answered was never read before it was asked for: a key that is revoked is refused from
that instant on.
"""

from asyncio import Task, create_task, shield, wait
from collections.abc import Callable
from typing import Generic, TypeVar

from starlette.concurrency import run_in_threadpool

Answer = TypeVar("Answer")


class SharedLooks(Generic[Answer]):
    """Looks for the answers to questions; belongs to one event loop."""

    def __init__(self, look: Callable[[str], Answer]) -> None:
        self._look = look
        self._under_way: dict[str, Task[Answer]] = {}
        self._next: dict[str, Task[Answer]] = {}

    async def answer(self, question: str) -> Answer:
        """The answer from a look that begins after this call; raises what the look raises."""
        look = self._next.get(question)
        if look is None:
            look = create_task(self._look_after(self._under_way.get(question), question))
            self._next[question] = look
        return await shield(look)  # who goes away must not take the others' answer along

    async def _look_after(self, before: "Task[Answer] | None", question: str) -> Answer:
        if before is not None:
            await wait([before])
        own = self._under_way[question] = self._next.pop(question)
        try:
            return await run_in_threadpool(self._look, question)
        finally:
            if self._under_way.get(question) is own:
                del self._under_way[question]
