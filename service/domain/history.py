"""Which of a patient's events still stand.

In:     the patient's events in the order in which they were received.
Out:    those that no standing event replaces or voids.
Source: METHODS 2; docs/decisions/0002-standing-events.md.

A reference always points to an event received earlier, so one walk from the last event to the
first decides: an event that stands strikes what it replaces or voids. A voided correction
therefore brings the original back.
"""

from collections.abc import Sequence

from service.domain.events import AnyEvent, Void


def standing_events(received: Sequence[AnyEvent]) -> list[AnyEvent]:
    """The events that stand, in order of receipt.

    >>> from datetime import date
    >>> from service.domain.events import Outcome
    >>> said = {"facility": "f", "patient": "p", "occurred_on": date(2024, 1, 1)}
    >>> first = Outcome(event_id="1", outcome="death", **said)
    >>> second = Outcome(event_id="2", outcome="relapse", replaces="1", **said)
    >>> [event.event_id for event in standing_events([first, second])]
    ['2']
    >>> third = Void(event_id="3", voids="2", **said)
    >>> [event.event_id for event in standing_events([first, second, third])]
    ['1', '3']
    """
    struck: set[str] = set()
    standing: list[AnyEvent] = []
    for event in reversed(received):
        if event.event_id in struck:
            continue
        standing.append(event)
        if event.replaces is not None:
            struck.add(event.replaces)
        if isinstance(event, Void):
            struck.add(event.voids)
    standing.reverse()
    return standing
