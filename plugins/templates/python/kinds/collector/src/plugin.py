"""Fetches the things of a service, page by page."""

from typing import Any
from urllib.parse import quote

from wit_world.exports.collector import Missing, Page
from wit_world.imports import http
from wit_world.imports.resources import AssetResource

from palisade import config_url, decode_object, encode, host, other, retry_after

RETRY_SECONDS = 30


class Collector:
    """The kind `collector`."""

    def collect(self, cursor: str | None) -> Page:
        """Fetches the page at a cursor; None for the first."""
        base = config_url("url")
        url = f"{base}/v1/things?cursor={quote(cursor or '', safe='')}"
        things, next_cursor = _fetch(url)
        page = Page(resources=[], missing=[], next=next_cursor)
        for index, thing in enumerate(things):
            known = thing.get("id") if isinstance(thing, dict) else None
            if isinstance(known, str) and known:
                asset = f"example:{base.removeprefix('https://')}/{known}"
                page.resources.append(AssetResource(asset, "example:thing", encode(thing)))
            else:
                page.missing.append(Missing(f"{url} things[{index}]", "has no id"))
        return page


def _fetch(url: str) -> tuple[list[Any], str | None]:
    request = http.Request(method="GET", url=url, headers=[("accept", "application/json")], body=b"", secret=None)
    response = host("http", lambda: http.send(request))
    if response.status == 429 or response.status >= 500:
        raise retry_after(1000 * _retry_seconds(response.headers))
    if response.status != 200:
        raise other(f"{url} answered with status {response.status}")
    return _decode(url, response.body)


def _retry_seconds(headers: list[tuple[str, str]]) -> int:
    after = next((value for name, value in headers if name.lower() == "retry-after"), "")
    return int(after) if after.isascii() and after.isdigit() and len(after) < 7 and int(after) > 0 else RETRY_SECONDS


def _decode(url: str, body: bytes) -> tuple[list[Any], str | None]:
    try:
        page = decode_object(body)
    except ValueError:
        raise other(f"{url} did not answer with JSON") from None
    things, next_cursor = page.get("things"), page.get("next")
    if not isinstance(things, list) or not isinstance(next_cursor, str | None):
        raise other(f"{url} did not answer with a page of things")
    return things, next_cursor
