"""Ask the network: documents, which are not sent again while they do not change, and JSON APIs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from okd_gitops.redaction import one_line
from okd_gitops.system.address import NetworkError, allowed, redirected, shown
from okd_gitops.system.connection import Connection
from okd_gitops.system.remembered_answers import RememberedAnswer, recall, remember, usable_etag

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse
    from urllib3.util import Url

MAX_BYTES = 10 << 20
MAX_REDIRECTS = 3
NOT_FOUND = 404
_REDIRECTS = (301, 302, 303, 307, 308)
# What to do about a status: of a document, and of an API.
_DOCUMENT_REMEDIES = {
    401: "look at the token",
    403: "it may limit requests: give a token",
    404: "look at the address",
    429: "try again later",
}
_API_REMEDIES = {
    401: "look at the token",
    403: "the token may not do this",
    404: "look at the address, and at what the token may see",
}
# What to do about a status that has no line above, by its first digit.
_CLASS_REMEDIES = {3: "the repository has moved: give its address of today", 5: "try again later"}


class Http:
    """Fetch documents by https; `cache` is the folder that keeps them with their ETags.

    A token of `tokens` (by host) goes to its host alone, as a header. `timeout` bounds a whole exchange in
    seconds: connecting, waiting, retries, redirects and the body; a server that let it pass is not asked
    again. `backoff` are the seconds before the second retry, doubled for each further one. A server that
    sends Retry-After is waited for if that is within `longest_wait` seconds. `authorities` are the
    certificates (PEM) that servers must be signed by, instead of those that the machine trusts; `client` is
    the certificate and the key (PEM) of who asks.
    """

    def __init__(
        self,
        cache: Path,
        *,
        timeout: float = 60,
        max_bytes: int = MAX_BYTES,
        retries: int = 3,
        backoff: float = 0.5,
        longest_wait: int = 20,
        tokens: Mapping[str, str] | None = None,
        authorities: bytes | None = None,
        client: bytes | None = None,
    ) -> None:
        self._cache, self._max_bytes = cache, max_bytes
        self._connection = Connection(
            timeout=timeout,
            max_bytes=max_bytes,
            retries=retries,
            backoff=backoff,
            longest_wait=longest_wait,
            tokens=dict(tokens or {}),
            authorities=authorities,
            client=client,
        )

    def get(self, url: str) -> bytes:
        """Return the body of the answer to GET; raises NetworkError."""
        address = allowed(url)
        recorded = recall(self._cache, url, self._max_bytes)
        answer = self._connection.in_time(address, lambda: self._follow(address, recorded))
        if answer != recorded:
            remember(self._cache, url, answer.body, answer.etag)

        return answer.body

    def send(self, method: str, url: str, body: object = None) -> Any:
        """Ask a JSON API and return its answer as plain data; raises NetworkError with the API's own words.

        Nothing is cached or redirected. What could be done twice by repeating it (POST, PATCH) is not
        repeated once it was sent.
        """
        address = allowed(url)

        return self._connection.in_time(address, lambda: self._sent(method, address, body))

    def ask_if_there(self, url: str) -> Any:
        """Return what a JSON API answers, and nothing where it has no such thing; raises NetworkError."""
        try:
            return self.send("GET", url)
        except NetworkError as error:
            if error.status != NOT_FOUND:
                raise

        return None

    def _follow(self, address: "Url", recorded: RememberedAnswer | None) -> RememberedAnswer:
        """Return the answer of an address, or of that to which it redirects."""
        headers = {"If-None-Match": recorded.etag} if recorded and recorded.etag else {}
        remedy = "try again later; where a command has --offline, it decides by the records alone"
        place = address

        for _ in range(MAX_REDIRECTS + 1):
            with self._connection.response("GET", place, headers=headers, remedy=remedy) as response:
                if response.status not in _REDIRECTS:
                    return self._answer(place, response, recorded)
                place = redirected(place, response.headers.get("Location", ""))

        reason = f"{shown(address)} redirects more than {MAX_REDIRECTS} times"
        raise NetworkError(reason, "give the address that it leads to")

    def _answer(
        self, address: "Url", response: "BaseHTTPResponse", recorded: RememberedAnswer | None
    ) -> RememberedAnswer:
        if response.status == 304 and recorded and recorded.etag:
            return recorded

        if response.status != 200:
            reason = f"{shown(address)} answers with status {response.status}"
            remedy = _DOCUMENT_REMEDIES.get(response.status, "try again later")
            raise NetworkError(reason, remedy, response.status)

        etag = usable_etag(response.headers.get("ETag", ""))
        return RememberedAnswer(etag, self._connection.body(address, response))

    def _sent(self, method: str, address: "Url", body: object) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if data else {}

        with self._connection.response(method, address, body=data, headers=headers) as response:
            status = response.status
            answer = self._connection.body(address, response)

        try:
            value = json.loads(answer) if answer else None
        except (ValueError, RecursionError):
            if status < 300:
                reason = f"{shown(address)} does not answer with JSON"
                raise NetworkError(reason, "look at the address", status) from None
            value = None

        if status >= 300:
            reason = f"{shown(address)} answers with status {status}{self._words(value)}"
            class_remedy = _CLASS_REMEDIES.get(status // 100, "correct what it names, then run again")
            raise NetworkError(reason, _API_REMEDIES.get(status, class_remedy), status)

        return value

    def _words(self, value: object) -> str:
        """Return the error message of an API as one short line, without a token.

        GitHub, GitLab and Forgejo put it under these keys, as text or as anything else.
        """
        fields = [value.get(key) for key in ("message", "error", "errors")] if isinstance(value, dict) else []
        texts = [
            field if isinstance(field, str) else json.dumps(field, ensure_ascii=False)
            for field in fields
            if field
        ]
        line = one_line(self._connection.without_tokens(" ".join(texts)), 300)

        return f": {line}" if line else ""
