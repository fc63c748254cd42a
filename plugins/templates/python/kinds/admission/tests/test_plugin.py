from typing import Any

from wit_world.imports.common import Error_InvalidInput
from wit_world.imports.decisions import Decision, Violation

from palisade import encode
from plugin import Admission
from tests.fakes import HostTest

LIMITS = {"limits": {"cpu": "1", "memory": "64Mi"}}


def review(value: Any, kind: str = "Pod") -> Decision:
    return Admission().review(encode({"kind": {"kind": kind}, "object": value}))


def pod(*containers: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"containers": list(containers)}}


class AdmissionTest(HostTest):
    def test_a_privileged_container_is_refused(self) -> None:
        decision = review(pod({"resources": LIMITS}, {"securityContext": {"privileged": True}, "resources": LIMITS}))
        message = "The container at /spec/containers/1 is privileged. Remove securityContext.privileged."
        self.assertEqual(decision, Decision([Violation("no-privileged", message)], [], None))

    def test_missing_limits_are_a_warning_that_names_them(self) -> None:
        decision = review(pod({}, {"resources": {"limits": {"cpu": "1"}}}))
        self.assertEqual(decision.violations, [])
        self.assertEqual(
            [warning.message for warning in decision.warnings],
            [
                "The container at /spec/containers/0 has no limit of cpu and memory.",
                "The container at /spec/containers/1 has no limit of memory.",
            ],
        )

    def test_a_deletion_and_what_starts_no_pods_pass(self) -> None:
        passed = Decision([], [], None)
        self.assertEqual(review(None), passed)
        self.assertEqual(review(pod({}), "Service"), passed)

    def test_what_is_no_request_is_an_error(self) -> None:
        for body in (b"{", b"null", encode({"object": {}})):
            self.fails(Error_InvalidInput, Admission().review, body)
