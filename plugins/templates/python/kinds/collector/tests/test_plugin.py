import json
from typing import Any

from wit_world.imports.common import Error_Host, Error_InvalidConfig, Error_Other, Error_RetryAfter

from plugin import Collector
from tests.fakes import HostTest


class CollectorTest(HostTest):
    def setUp(self) -> None:
        super().setUp()
        self.config = {"url": "https://things.example.com/"}

    def answer(self, status: int, body: Any = None, headers: list[tuple[str, str]] | None = None) -> None:
        self.http = lambda _: (status, headers or [], body)

    def test_a_page_becomes_resources_and_the_cursor_of_the_next(self) -> None:
        self.answer(200, {"things": [{"id": "t-1", "colour": "red"}], "next": "p 2"})
        page = Collector().collect(None)
        self.assertEqual(self.requests[0].url, "https://things.example.com/v1/things?cursor=")
        [resource] = page.resources
        self.assertEqual((resource.asset, resource.kind), ("example:things.example.com/t-1", "example:thing"))
        self.assertEqual(json.loads(resource.body), {"id": "t-1", "colour": "red"})
        self.assertEqual((page.missing, page.next), ([], "p 2"))

    def test_the_cursor_is_encoded_and_the_last_page_has_none(self) -> None:
        self.answer(200, {"things": [], "next": None})
        self.assertIsNone(Collector().collect("p 2&x").next)
        self.assertEqual(self.requests[0].url, "https://things.example.com/v1/things?cursor=p%202%26x")

    def test_a_thing_without_an_id_is_named_as_missing(self) -> None:
        self.answer(200, {"things": [3, {"id": ""}, {"id": "a"}]})
        page = Collector().collect(None)
        self.assertEqual(len(page.resources), 1)
        self.assertEqual([missing.subject[-9:] for missing in page.missing], ["things[0]", "things[1]"])

    def test_a_busy_service_is_asked_again_when_it_says(self) -> None:
        self.answer(429, headers=[("Retry-After", "7")])
        self.assertEqual(self.fails(Error_RetryAfter, Collector().collect, None), 7_000)
        self.answer(503)
        self.assertEqual(self.fails(Error_RetryAfter, Collector().collect, None), 30_000)

    def test_what_cannot_be_used_is_an_error(self) -> None:
        for status, body in ((404, None), (200, None), (200, {"things": 1})):
            self.answer(status, body)
            self.fails(Error_Other, Collector().collect, None)
        self.denied.add("http")
        self.assertEqual(self.fails(Error_Host, Collector().collect, None), "http: denied: http")
        self.config = {"url": "http://things.example.com"}
        self.fails(Error_InvalidConfig, Collector().collect, None)
