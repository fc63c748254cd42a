"""A framework of two controls. Each stands where the observations of its rules stand."""

from wit_world.imports.controls import ControlResult, ControlStatus, Observation
from wit_world.imports.resources import CheckStatus

CONTROLS = {
    "example-1:A-1": ["no-latest-tag"],
    "example-1:A-2": ["no-privileged", "limits-set"],
}


class Compliance:
    """The kind `compliance`."""

    def assess(self, observations: list[Observation]) -> list[ControlResult]:
        """The status of every control, given all that was observed of a scope."""
        return [_assess(control, rules, observations) for control, rules in CONTROLS.items()]


def _assess(control: str, rules: list[str], observations: list[Observation]) -> ControlResult:
    telling = {
        item: observation.status is CheckStatus.PASS
        for item, observation in enumerate(observations)
        if observation.rule in rules and observation.status in (CheckStatus.PASS, CheckStatus.FAIL)
    }
    names, seen, passed = ", ".join(rules), len(telling), sum(telling.values())
    rationale = f"{passed} of {seen} observations of {names} pass." if seen else f"Nothing was observed by {names}."
    return ControlResult(control, _status(passed, seen), list(telling), rationale)


def _status(passed: int, seen: int) -> ControlStatus:
    if seen == 0:
        return ControlStatus.NOT_ASSESSED
    if passed == seen:
        return ControlStatus.MET
    return ControlStatus.PARTLY if passed else ControlStatus.NOT_MET
