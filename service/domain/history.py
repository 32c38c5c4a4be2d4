"""Which of a patient's events still stand.

In:     the patient's events in the order in which they were received.
Out:    those that no standing event replaces or voids.
Source: docs/methods.md 2; docs/decisions/0002-standing-events.md.

A reference always points to an event received earlier, so one walk from the last event to the
first decides: an event that stands strikes what it voids, and what it replaces together with
everything that one had replaced before it. A voided correction therefore brings back what it
corrected, and a correction of a correction does not.
"""

from collections.abc import Sequence

from service.domain.events import AnyEvent, Void


def struck_by(received: Sequence[AnyEvent]) -> dict[str, str]:
    """Each event that does not stand, by event_id, with the standing event that strikes it."""
    replaced_by_it = {event.event_id: event.replaces for event in received}
    struck: dict[str, str] = {}
    for event in reversed(received):
        if event.event_id in struck:
            continue
        earlier = event.replaces
        while earlier is not None:
            struck.setdefault(earlier, event.event_id)
            earlier = replaced_by_it.get(earlier)
        if isinstance(event, Void):
            struck.setdefault(event.voids, event.event_id)
    return struck


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
    struck = struck_by(received)
    return [event for event in received if event.event_id not in struck]
