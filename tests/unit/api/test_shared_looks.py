"""Those who ask at once share a look, and nobody is told what was read before asking."""

import asyncio
from threading import Event

import pytest

from service.api.shared_looks import SharedLooks

PATIENCE_SECONDS = 30


class Shelf:
    """Counts the looks at it, each of which lasts until it is let go."""

    def __init__(self) -> None:
        self.begun, self.let_go = Event(), Event()
        self.looks = 0

    def look(self, question: str) -> str:
        self.looks += 1
        answer = f"{question}{self.looks}"
        self.begun.set()
        assert self.let_go.wait(PATIENCE_SECONDS)
        return answer


async def begun(shelf: Shelf) -> None:
    assert await asyncio.to_thread(shelf.begun.wait, PATIENCE_SECONDS)


def test_who_asks_during_a_look_gets_the_next_one_and_shares_it():
    async def ask() -> list[str]:
        shelf = Shelf()
        looks = SharedLooks(shelf.look)
        first = asyncio.create_task(looks.answer("a"))
        await begun(shelf)
        late = [asyncio.create_task(looks.answer("a")) for _ in range(10)]
        other = asyncio.create_task(looks.answer("b"))
        await asyncio.sleep(0)
        late[0].cancel()
        shelf.let_go.set()
        answers = await asyncio.gather(first, *late[1:], other)
        assert shelf.looks == 3
        assert await looks.answer("a") == "a4"
        return answers

    first, *late, other = asyncio.run(ask())
    assert first == "a1"
    assert len(set(late)) == 1
    assert late[0] in ("a2", "a3")
    assert other in ("b2", "b3")


def test_an_error_is_everybodys_and_the_next_look_begins_anew():
    def look(question: str) -> str:
        raise KeyError(question)

    async def ask() -> None:
        looks = SharedLooks(look)
        answers = await asyncio.gather(
            *(looks.answer("a") for _ in range(5)), return_exceptions=True
        )
        assert [type(answer) for answer in answers] == [KeyError] * 5
        with pytest.raises(KeyError):
            await looks.answer("a")

    asyncio.run(ask())
