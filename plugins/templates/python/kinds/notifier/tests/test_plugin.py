import json
from typing import Any

from wit_world.exports.notifier import Notice, Receipt
from wit_world.imports.common import Error_InvalidInput, Error_Other, Error_RetryAfter

from palisade import encode
from plugin import Notifier
from tests.fakes import HostTest

URL = "https://tickets.example.com/api/tickets"
NOTICE = Notice("change-1", encode({"finding": "f-1"}))


class NotifierTest(HostTest):
    def setUp(self) -> None:
        super().setUp()
        self.config = {"url": URL}

    def answer(self, status: int, body: Any = None) -> None:
        self.http = lambda _: (status, [], body)

    def test_a_change_is_posted_with_the_secret_and_the_reply_is_the_receipt(self) -> None:
        self.answer(201, {"id": "SEC-481", "url": "https://tickets.example.com/SEC-481"})
        self.assertEqual(Notifier().notify(NOTICE), Receipt("SEC-481", "https://tickets.example.com/SEC-481"))
        [request] = self.requests
        self.assertEqual((request.method, request.url, request.secret), ("POST", URL, "token"))
        self.assertEqual(json.loads(request.body), {"id": "change-1", "change": {"finding": "f-1"}})
        self.assertEqual(dict(request.headers)["idempotency-key"], "change-1")

    def test_a_ticket_without_an_address_has_none(self) -> None:
        self.answer(200, {"id": "SEC-1"})
        self.assertEqual(Notifier().notify(NOTICE), Receipt("SEC-1", None))

    def test_a_busy_ticket_system_is_told_again_later(self) -> None:
        self.answer(502)
        self.assertEqual(self.fails(Error_RetryAfter, Notifier().notify, NOTICE), 30_000)

    def test_a_refusal_a_reply_without_a_ticket_and_a_notice_that_is_no_json_are_errors(self) -> None:
        for status, body in ((403, None), (200, None), (200, {"ok": True})):
            self.answer(status, body)
            self.fails(Error_Other, Notifier().notify, NOTICE)
        self.fails(Error_InvalidInput, Notifier().notify, Notice("x", b"{"))
