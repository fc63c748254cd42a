"""A fake of the host. The functions of palisade:host are replaced while a test runs."""

import importlib
import json
from collections import Counter
from collections.abc import Callable
from typing import Any
from unittest import TestCase
from unittest.mock import patch

from componentize_py_types import Err


def _errors() -> Any:
    """The errors of the host; a world without capabilities has none."""
    return importlib.import_module("wit_world.imports.errors")


class HostTest(TestCase):
    """A test whose plugin sees what is set in the fields below."""

    def setUp(self) -> None:
        self.config: dict[str, Any] = {}
        self.now = 0
        self.log: list[tuple[Any, str]] = []
        self.counters: Counter[str] = Counter()
        self.state: dict[str, bytes] = {}
        self.denied: set[str] = set()
        self.requests: list[Any] = []
        #: Answers one request with a status, headers and a body to send as JSON.
        self.http: Callable[[Any], tuple[int, list[tuple[str, str]], Any]] | None = None
        self.fake("config", get=lambda: json.dumps(self.config))
        self.fake("clock", now=lambda: self.now)
        self.fake("log", write=lambda level, message: self.log.append((level, message)))
        self.fake("metrics", add=lambda name, value: self.counters.update({name: value}))
        self.fake("state", get=self._state_get, set=self._state_set, delete=self._state_delete, keys=self._state_keys)
        self.fake("http", send=self._send)

    def fake(self, interface: str, **functions: Callable[..., Any]) -> None:
        """Replaces functions of an interface of the host, if the plugin's world imports it."""
        name = f"wit_world.imports.{interface}"
        try:
            importlib.import_module(name)
        except ModuleNotFoundError:
            return
        patcher = patch.multiple(name, **functions)
        patcher.start()
        self.addCleanup(patcher.stop)

    def fails(self, error: type, call: Callable[..., Any], *arguments: Any) -> Any:
        """Asserts that a call ends in an error of the contract, and returns what it holds."""
        with self.assertRaises(Err) as raised:
            call(*arguments)
        self.assertIsInstance(raised.exception.value, error)
        return raised.exception.value.value

    def _check(self, capability: str) -> None:
        if capability in self.denied:
            raise Err(_errors().HostError_Denied(capability))

    def _state_get(self, key: str) -> bytes | None:
        self._check("state")
        return self.state.get(key)

    def _state_set(self, key: str, value: bytes) -> None:
        self._check("state")
        self.state[key] = value

    def _state_delete(self, key: str) -> None:
        self._check("state")
        self.state.pop(key, None)

    def _state_keys(self, prefix: str, after: str | None, limit: int) -> list[str]:
        self._check("state")
        found = sorted(key for key in self.state if key.startswith(prefix) and (after is None or key > after))
        return found[: min(limit, 1000)]

    def _send(self, request: Any) -> Any:
        self._check("http")
        self.requests.append(request)
        if self.http is None:
            raise Err(_errors().HostError_Unavailable("no reply was set"))
        status, headers, body = self.http(request)
        response = importlib.import_module("wit_world.imports.http").Response
        return response(status, headers, b"" if body is None else json.dumps(body).encode())
