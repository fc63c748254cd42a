"""Refuses privileged containers, and warns of containers without limits."""

from typing import Any

from wit_world.imports.decisions import Decision, Violation

from palisade import containers, decode_object, dig, invalid_input


class Admission:
    """The kind `admission`."""

    def review(self, request: bytes) -> Decision:
        """Decides about one request: the `request` of a Kubernetes AdmissionReview v1, as JSON."""
        kind, value = _read(request)
        decision = Decision(violations=[], warnings=[], patch=None)
        for pointer, container in containers(kind, value):
            if dig(container, "securityContext", "privileged") is True:
                message = f"The container at {pointer} is privileged. Remove securityContext.privileged."
                decision.violations.append(Violation("no-privileged", message))
            limits = (name for name in ("cpu", "memory") if dig(container, "resources", "limits", name) is None)
            if missing := " and ".join(limits):
                message = f"The container at {pointer} has no limit of {missing}."
                decision.warnings.append(Violation("limits-set", message))
        return decision


def _read(body: bytes) -> tuple[str, dict[str, Any]]:
    """The kind and the object of a request; an object without anything when something is deleted."""
    try:
        request = decode_object(body)
    except ValueError:
        raise invalid_input("the request is not JSON") from None
    kind = dig(request, "kind", "kind")
    value = request.get("object")
    if not isinstance(kind, str) or not (value is None or isinstance(value, dict)):
        raise invalid_input("the request is not an AdmissionReview v1 request")
    return kind, value or {}
