"""A thin layer over the WIT of Palisade: JSON in and out, errors, and the records that plugins make most often.

Values have the shape that componentize-py gives them: names in snake_case, records as dataclasses, enums as `Enum` in
capitals, variants as one class for each case, u64 as int, list<u8> as bytes, and an option that is none as None.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from componentize_py_types import Err
from wit_world.imports import common
from wit_world.imports import config as host_config

T = TypeVar("T")


def invalid_input(text: str) -> Err:
    """The input is not what the manifest asked for. Raise it; like every error here it becomes the `error` of the call.

    Anything else that is raised is a fault of the plugin: the platform counts it as a trap.
    """
    return Err(common.Error_InvalidInput(text))


def invalid_config(text: str) -> Err:
    """The configuration is not usable; `text` names the key and what is wrong with it."""
    return Err(common.Error_InvalidConfig(text))


def retry_after(milliseconds: int) -> Err:
    """Try again later."""
    return Err(common.Error_RetryAfter(max(0, milliseconds)))


def other(text: str) -> Err:
    """Anything else."""
    return Err(common.Error_Other(text))


def host(capability: str, call: Callable[[], T]) -> T:
    """Calls the host, and turns its `host-error` into the plugin's own error, which names the capability."""
    try:
        return call()
    except Err as error:
        raise Err(common.Error_Host(f"{capability}: {_reason(error.value)}")) from error


def _reason(error: Any) -> str:
    # By name, because a world without capabilities has no module for the errors of the host.
    name = type(error).__name__.removeprefix("HostError_")
    word = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")
    text = getattr(error, "value", None)
    return word if text is None else f"{word}: {text}"


# As deep as the platform's own reader goes. Deeper, Python's would use up the stack of the component, which is a trap.
_DEPTH_MAX = 128
_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)


def decode(body: bytes) -> Any:
    """The value of a JSON body. Raises `ValueError` when the bytes are not JSON, or nest deeper than 128 levels."""
    text = body.decode("utf-8")
    _check_depth(text)
    value = json.loads(text, parse_constant=_no_constant)
    if "\\ud" in text or "\\uD" in text:
        # Half a surrogate pair is no text, and could not be handed back to the platform.
        encode(value)
    return value


def _check_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= _DEPTH_MAX:
        return
    depth = 0
    for token in _BRACKETS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
        if depth > _DEPTH_MAX:
            raise ValueError("nested too deeply")


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def decode_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a body. Raises `ValueError` when the bytes are not a JSON object."""
    value = decode(body)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def encode(value: Any) -> bytes:
    """A value as a JSON body."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def config() -> dict[str, Any]:
    """The operator's configuration."""
    return json.loads(host_config.get())


def config_url(key: str) -> str:
    """A key of the configuration that holds an https address, without slashes at its end."""
    url = config().get(key)
    if not isinstance(url, str) or not url.startswith("https://") or url[8:9] in ("", "/", "?", "#"):
        raise invalid_config(f"{key} must be an https address")
    return url.rstrip("/")


def dig(value: Any, *keys: str) -> Any:
    """Follows keys through JSON objects; None where one is missing."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


_TEMPLATE = ("spec", "template", "spec")
_POD_SPECS = {
    "Pod": ("spec",),
    "CronJob": ("spec", "jobTemplate", *_TEMPLATE),
    "Deployment": _TEMPLATE,
    "StatefulSet": _TEMPLATE,
    "DaemonSet": _TEMPLATE,
    "ReplicaSet": _TEMPLATE,
    "ReplicationController": _TEMPLATE,
    "Job": _TEMPLATE,
}


def starts_pods(kind: str) -> bool:
    """Whether objects of a kind, named without its group, are Kubernetes workloads."""
    return kind in _POD_SPECS


def containers(kind: str, value: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The containers of a Kubernetes workload, each with its JSON Pointer; none for an object that starts no pods.

    `kind` is the kind's own name, such as `Deployment`. Objects out of a list do not name it themselves.
    """
    path = _POD_SPECS.get(kind, ())
    spec = dig(value, *path) if path else None
    for name in ("initContainers", "containers", "ephemeralContainers"):
        found = dig(spec, name)
        for index, container in enumerate(found if isinstance(found, list) else []):
            if isinstance(container, dict):
                yield f"/{'/'.join(path)}/{name}/{index}", container
