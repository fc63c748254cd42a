"""Fails workloads that run an image without a tag, or with the tag `latest`: what they run may change from pod to pod."""

from typing import Any

from wit_world.exports.posture import Assessment
from wit_world.imports.common import Problem, Severity
from wit_world.imports.resources import AssetResource, CheckResult, CheckStatus

from palisade import containers, decode_object, encode, starts_pods

RULE = "no-latest-tag"


class Posture:
    """The kind `posture`."""

    def check(self, resources: list[AssetResource]) -> Assessment:
        """Runs every check on every resource it applies to."""
        assessment = Assessment(results=[], problems=[])
        for item, resource in enumerate(resources):
            try:
                body = decode_object(resource.body)
            except ValueError:
                assessment.problems.append(Problem(item, "the body is not a JSON object"))
                continue
            kind = resource.kind.rpartition("/")[2]
            if starts_pods(kind):
                assessment.results.append(_judge(item, kind, body))
        return assessment


def _judge(item: int, kind: str, body: dict[str, Any]) -> CheckResult:
    images = [
        {"location": f"{pointer}/image", "image": container.get("image")}
        for pointer, container in containers(kind, body)
    ]
    for image in images:
        if not isinstance(image["image"], str):
            return _result(item, CheckStatus.ERROR, "The container names no image.", image["location"])
    floating = [image for image in images if not _is_pinned(image["image"])]
    if not floating:
        return _result(item, CheckStatus.PASS, "Every image has a tag or a digest.")
    first = floating[0]
    message = f"The image {first['image']} has no tag, or the tag latest. Name a version or a digest."
    return _result(item, CheckStatus.FAIL, message, first["location"], encode({"images": floating}))


def _result(item: int, status: CheckStatus, message: str, location: str = "", evidence: bytes = b"") -> CheckResult:
    return CheckResult(item, RULE, status, Severity.MEDIUM, message, location, evidence)


def _is_pinned(image: str) -> bool:
    """Whether an image reference has a digest, or a tag other than `latest`. A colon before the last slash is of a port."""
    tag = image.rpartition("/")[2].partition(":")[2]
    return "@" in image or tag not in ("", "latest")
