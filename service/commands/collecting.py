"""How often Python looks for memory that nothing refers to: seldom, and not at the end.

In:     nothing.
Out:    commands that start and end sooner; a service whose pauses do not grow with its code.
Source: Python, "gc — Garbage Collector interface": `set_threshold`, `freeze`.
"""

import atexit
import gc

NEW_OBJECTS_BETWEEN_LOOKS = 50_000
"""Python's own 700 are reached hundreds of times while a command is only being loaded."""


def collect_seldom() -> None:
    """Look seldom from now on, and not once more when the process ends."""
    gc.set_threshold(NEW_OBJECTS_BETWEEN_LOOKS)
    atexit.register(gc.freeze)


def keep_what_is_loaded() -> None:
    """Leave out of every later look what there is now: it stays as long as the process."""
    gc.collect()
    gc.freeze()
