from wit_world.imports.common import Severity
from wit_world.imports.controls import ControlResult, ControlStatus, Observation
from wit_world.imports.resources import CheckStatus

from plugin import Compliance
from tests.fakes import HostTest


def seen(rule: str, status: CheckStatus) -> Observation:
    return Observation(rule, "a", status, Severity.MEDIUM)


def stands(*observations: Observation) -> list[ControlStatus]:
    return [result.status for result in Compliance().assess(list(observations))]


class ComplianceTest(HostTest):
    def test_a_control_stands_where_its_observations_stand(self) -> None:
        self.assertEqual(
            stands(seen("no-latest-tag", CheckStatus.PASS), seen("no-privileged", CheckStatus.FAIL)),
            [ControlStatus.MET, ControlStatus.NOT_MET],
        )
        self.assertEqual(
            stands(seen("no-privileged", CheckStatus.PASS), seen("limits-set", CheckStatus.FAIL)),
            [ControlStatus.NOT_ASSESSED, ControlStatus.PARTLY],
        )

    def test_what_could_not_be_judged_proves_nothing(self) -> None:
        self.assertEqual(
            stands(seen("no-latest-tag", CheckStatus.ERROR), seen("limits-set", CheckStatus.NOT_APPLICABLE)),
            [ControlStatus.NOT_ASSESSED, ControlStatus.NOT_ASSESSED],
        )

    def test_a_control_names_the_observations_that_prove_it(self) -> None:
        observations = [
            seen("other", CheckStatus.FAIL),
            seen("limits-set", CheckStatus.PASS),
            seen("no-privileged", CheckStatus.PASS),
        ]
        rationale = "2 of 2 observations of no-privileged, limits-set pass."
        self.assertEqual(
            Compliance().assess(observations)[1],
            ControlResult("example-1:A-2", ControlStatus.MET, [1, 2], rationale),
        )
