"""The tutorials, typed in by a shell from the first command to the last: what they print is true.

In:     the fenced blocks of docs/tutorials; a `sh` block is run, what follows it is its answer.
Out:    nothing; `…` in an answer stands for anything, because it differs from run to run.
Source: docs/tutorials.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "--- end of block {} ---"
PATIENCE_SECONDS = 120


class Step(NamedTuple):
    """What is typed, and what is printed in answer; nothing is said of it where that is empty."""

    typed: str
    answer: str


def steps(page: str) -> list[Step]:
    """The commands of a tutorial with their answers, in order."""
    text = (ROOT / "docs" / "tutorials" / page).read_text(encoding="utf-8")
    blocks = [(*found.groups(), "") for found in FENCE.finditer(text)]
    followers = [*blocks[1:], ("", "", "")]
    return [
        Step(typed, answer if kind in ("text", "json") else "")
        for (language, typed, _), (kind, answer, _) in zip(blocks, followers, strict=True)
        if language == "sh"
    ]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


def printed(tutorial: list[Step], port: int, home: Path) -> list[str]:
    """What a shell prints in answer to each step, errors among it."""
    script = "".join(
        f"{step.typed}echo '\n{MARK.format(index)}'\n" for index, step in enumerate(tutorial)
    ).replace("http://127.0.0.1:8000", f"http://127.0.0.1:{port}")
    clean = {name: value for name, value in os.environ.items() if "GRAFTWATCH" not in name}
    tools = Path(sys.executable).parent
    environment = {
        **clean,
        "PATH": f"{tools}{os.pathsep}{clean['PATH']}",
        "TMPDIR": str(home),
        "GRAFTWATCH_PORT": str(port),
    }
    with subprocess.Popen(
        ["bash", "-c", f"trap 'kill $(jobs -p) 2> /dev/null' EXIT\n{script}"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as shell:
        said, _ = shell.communicate(timeout=PATIENCE_SECONDS)
    return re.split("\n" + re.escape(MARK).replace(r"\{\}", r"\d+") + "\n", said)[:-1]


def pattern(answer: str) -> str:
    """An answer as a pattern: spaces and ends of lines may be any, `…` anything."""
    parts = (r"\s+".join(map(re.escape, part.split())) for part in answer.split("…"))
    return r"\s*" + r".*?".join(rf"\s*{part}\s*" for part in parts) + r"\s*"


@pytest.mark.parametrize("page", ["statistician.md", "integration.md"])
def test_a_tutorial_prints_what_it_says(page: str, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl here")
    tutorial = steps(page)
    answers = printed(tutorial, free_port(), tmp_path)
    assert len(answers) == len(tutorial) > 5, answers
    for step, answer in zip(tutorial, answers, strict=True):
        if step.answer:
            assert re.fullmatch(pattern(step.answer), answer, re.DOTALL), (
                f"{step.typed}\nsays\n{answer}\nand not\n{step.answer}"
            )
