"""Opens a ticket for each change."""

from typing import Any

from wit_world.exports.notifier import Notice, Receipt
from wit_world.imports import http

from palisade import config_url, decode, decode_object, encode, host, invalid_input, other, retry_after

RETRY_SECONDS = 30


class Notifier:
    """The kind `notifier`."""

    def notify(self, notice: Notice) -> Receipt:
        """Tells of one change."""
        request = http.Request(
            method="POST",
            url=config_url("url"),
            headers=[
                ("content-type", "application/json"),
                # A notice may come twice; by this the other system can tell.
                ("idempotency-key", notice.id),
            ],
            body=encode({"id": notice.id, "change": _change(notice.body)}),
            # The platform puts the token in; it is never seen here.
            secret="token",
        )
        response = host("http", lambda: http.send(request))
        if response.status == 429 or response.status >= 500:
            raise retry_after(1000 * RETRY_SECONDS)
        if not 200 <= response.status <= 299:
            raise other(f"the ticket system answered with status {response.status}")
        return _receipt(response.body)


def _change(body: bytes) -> Any:
    try:
        return decode(body)
    except ValueError:
        raise invalid_input("the notice is not JSON") from None


def _receipt(body: bytes) -> Receipt:
    try:
        receipt = decode_object(body)
    except ValueError:
        receipt = {}
    ticket, url = receipt.get("id"), receipt.get("url")
    if not isinstance(ticket, str):
        raise other("the ticket system took the notice but named no ticket")
    return Receipt(ticket, url if isinstance(url, str) else None)
