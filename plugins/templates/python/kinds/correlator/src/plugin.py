"""Five failures of one asset within a time are one detection.

What was counted lives in palisade:host/state, because every call may run in a new instance.
"""

from wit_world.exports.correlator import Correlation
from wit_world.imports import state
from wit_world.imports.common import Problem, Severity
from wit_world.imports.events import Detection, Event, Timer

from palisade import config, decode, encode, host, invalid_config

FAILURES = 5
SOURCE = "auth"
TIMER = "expire:"
SECOND = 1_000_000_000

#: Ids and times of the failures of each asset, oldest first.
Failures = list[tuple[str, int]]


class Correlator:
    """The kind `correlator`."""

    def correlate(self, events: list[Event], due: list[Timer], watermark: int) -> Correlation:
        """Looks at a batch of events in order of time."""
        window = _window()
        counted: dict[str, Failures] = {}
        detections = []
        problems = []
        for timer in due:
            if timer.key.startswith(TIMER):
                asset = timer.key.removeprefix(TIMER)
                counted[asset] = _since(_failures(counted, asset), timer.time - window)
        for item, event in enumerate(events):
            if event.source != SOURCE:
                continue
            if not event.asset:
                problems.append(Problem(item, "the event names no asset, so its failure counts for none"))
                continue
            failures = _since(_failures(counted, event.asset), event.time - window)
            # An event may come twice and must count once.
            if event.id not in (known for known, _ in failures):
                failures.append((event.id, event.time))
            if len(failures) >= FAILURES:
                ids = [known for known, _ in failures]
                detections.append(_detection(event.asset, ids, _items(events[: item + 1], ids), window))
                failures = []
            counted[event.asset] = failures
        for asset, failures in counted.items():
            _store(asset, failures)
        timers = [Timer(TIMER + asset, failures[-1][1] + window) for asset, failures in counted.items() if failures]
        return Correlation(detections, [], timers, problems)


def _window() -> int:
    """The window in nanoseconds."""
    seconds = config().get("window-seconds", 300)
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds < 1:
        raise invalid_config("window-seconds must be a whole number above zero")
    return seconds * SECOND


def _since(failures: Failures, time: int) -> Failures:
    return [failure for failure in failures if failure[1] > time]


def _items(events: list[Event], ids: list[str]) -> list[int]:
    """Indices of the events of this batch among some ids, each id once."""
    first = {event.id: index for index, event in reversed(list(enumerate(events)))}
    return [first[known] for known in ids if known in first]


def _detection(asset: str, ids: list[str], items: list[int], window: int) -> Detection:
    return Detection(
        items=items,
        rule="many-failures",
        title=f"{len(ids)} failures on {asset}",
        severity=Severity.HIGH,
        asset=asset,
        incident_key=f"many-failures:{asset}",
        evidence=encode({"events": ids, "window-seconds": window // SECOND}),
    )


def _failures(counted: dict[str, Failures], asset: str) -> Failures:
    """What this call has counted so far, or what earlier calls left."""
    if asset in counted:
        return counted[asset]
    value = host("state", lambda: state.get(f"failures/{asset}"))
    return [(known, int(time)) for known, time in decode(value)] if value is not None else []


def _store(asset: str, failures: Failures) -> None:
    key = f"failures/{asset}"
    # Times as text, because readers in other languages have no JSON numbers of 64 bits.
    value = [[known, str(time)] for known, time in failures]
    host("state", lambda: state.set(key, encode(value)) if value else state.delete(key))
