import json

from wit_world.imports.common import Error_Host, Error_InvalidConfig
from wit_world.imports.events import Event, Timer

from plugin import Correlator
from tests.fakes import HostTest

SECOND = 1_000_000_000
START = 1_767_322_800 * SECOND


def event(known: str, seconds: int, asset: str = "host:web-1", source: str = "auth") -> Event:
    return Event(known, START + seconds * SECOND, source, asset, b"")


FIVE = [event(f"e{index}", at) for index, at in enumerate((0, 10, 20, 30, 40))]


class CorrelatorTest(HostTest):
    def test_five_failures_in_one_batch_are_one_detection_and_leave_nothing_behind(self) -> None:
        correlation = Correlator().correlate(FIVE, [], START)
        [detection] = correlation.detections
        self.assertEqual((detection.items, detection.asset), ([0, 1, 2, 3, 4], "host:web-1"))
        evidence = {"events": ["e0", "e1", "e2", "e3", "e4"], "window-seconds": 300}
        self.assertEqual(json.loads(detection.evidence), evidence)
        self.assertEqual((self.state, correlation.timers), ({}, []))

    def test_failures_are_counted_from_call_to_call(self) -> None:
        for one in FIVE[:4]:
            self.assertEqual(Correlator().correlate([one], [], START).detections, [])
        self.assertEqual(Correlator().correlate([FIVE[4]], [], START).detections[0].items, [0])

    def test_an_event_that_comes_twice_counts_once(self) -> None:
        self.assertEqual(Correlator().correlate([*FIVE[:4], FIVE[3]], [], START).detections, [])

    def test_other_sources_other_assets_and_events_of_nobody_do_not_count_and_the_last_are_told_of(self) -> None:
        others = [event("x", 41, source="falco"), event("y", 42, asset="host:web-2"), event("z", 43, asset="")]
        correlation = Correlator().correlate([*FIVE[:4], *others], [], START)
        self.assertEqual(correlation.detections, [])
        self.assertEqual([problem.item for problem in correlation.problems], [6])

    def test_failures_outside_the_window_are_forgotten_by_time_and_by_timer(self) -> None:
        self.config = {"window-seconds": 40}
        correlation = Correlator().correlate(FIVE, [], START)
        self.assertEqual(correlation.detections, [])
        self.assertEqual(correlation.timers, [Timer("expire:host:web-1", START + 80 * SECOND)])
        later = Correlator().correlate([], correlation.timers, START + 81 * SECOND)
        self.assertEqual((later.timers, self.state), ([], {}))

    def test_an_unusable_window_and_refused_state_are_errors_of_their_own(self) -> None:
        self.config = {"window-seconds": 0}
        self.fails(Error_InvalidConfig, Correlator().correlate, [], [], START)
        self.config = {}
        self.denied.add("state")
        self.assertEqual(self.fails(Error_Host, Correlator().correlate, FIVE, [], START), "state: denied: state")
