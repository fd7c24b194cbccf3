"""Fetch from the network, politely: limits on time and size, Retry-After, ETags, and replay without a
network; and talk to JSON APIs.

A cached answer is one file: a line of JSON that says what it answers, then the body. A folder of them can be
copied or committed, and `offline=True` replays it.
"""

import hashlib
import json
import os
import re
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar, cast

from okd_gitops.errors import OkdGitopsError
from okd_gitops.redaction import one_line

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager
    from urllib3.util import Url

T = TypeVar("T")
MAX_BYTES = 10 << 20
MAX_REDIRECTS = 3
_LOOPBACK = ("127.0.0.1", "[::1]", "localhost")
_ETAG = re.compile(r'(W/)?"[!#-~]{0,200}"')
_TOKEN = re.compile(r"[!-~]+")
_CHUNK = 1 << 16
# What to do about a status that has no line of its own, by its first digit.
_REMEDY = {3: "the repository has moved: give its address of today", 5: "try again later"}


class NetworkError(OkdGitopsError):
    """An address is not allowed, or gave no usable answer. `status` is that of HTTP, or 0."""

    exit_code = 6

    def __init__(self, reason: str, remedy: str = "", status: int = 0) -> None:
        super().__init__(reason, remedy)
        self.status = status


@dataclass(frozen=True, slots=True)
class _Cached:
    etag: str
    body: bytes


class Http:
    """Fetch documents by https, or replay them from `cache`.

    A token of `tokens` (by host) goes to its host alone, as a header. `timeout` bounds a whole exchange in
    seconds: connecting, waiting, retries, redirects and the body; a server that let it pass is not asked
    again. `backoff` are the seconds before the second retry, doubled for each further one. A server that says
    Retry-After is waited for if that is within `longest_wait`. `authorities` are the certificates (PEM) that
    servers must be signed by, instead of those that the machine trusts.
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
        offline: bool = False,
        tokens: Mapping[str, str] | None = None,
        authorities: bytes | None = None,
    ) -> None:
        self._tokens = dict(tokens or {})
        if not all(_TOKEN.fullmatch(token) for token in self._tokens.values()):
            raise NetworkError(
                "the token holds a blank or a character that no header can carry",
                "look for a line feed at its end",
            )
        self._cache, self._timeout, self._max_bytes, self._offline = cache, timeout, max_bytes, offline
        self._retries, self._backoff, self._longest_wait = retries, backoff, longest_wait
        self._authorities = authorities
        self._away: set[str | None] = set()

    def get(self, url: str) -> bytes:
        """Return the body of the answer to GET; raises NetworkError."""
        parsed = _allowed(url)
        cached = _recall(self._cache, url, self._max_bytes)
        if self._offline:
            if cached is None:
                raise NetworkError(
                    f"there is no recorded answer of {_shown(parsed)}",
                    "run once with a network, or add the recorded answer",
                )
            return cached.body
        body, etag = self._in_time(parsed, lambda: self._follow(url, cached))
        if cached is None or (etag, body) != (cached.etag, cached.body):
            remember(self._cache, url, body, etag)
        return body

    def send(self, method: str, url: str, body: object = None) -> Any:
        """Ask a JSON API and return its answer as plain data; raises NetworkError with the API's own
        words.

        Nothing is cached or redirected. What could be done twice by repeating it (POST, PATCH) is not
        repeated once it was sent.
        """
        at = _allowed(url)
        if self._offline:
            raise NetworkError(f"{_shown(at)} is not asked with --offline", "run without it")
        return self._in_time(at, lambda: self._sent(method, at, body))

    def _in_time(self, at: "Url", ask: Callable[[], T]) -> T:
        """Return what `ask` returns, or raise NetworkError when the time is over.

        A name server, a handshake and headers that come byte by byte have no limit of their own: so it is a
        thread that asks, and it is left behind.
        """
        if at.netloc in self._away:
            raise NetworkError(
                f"{_shown(at)} is not asked: that server gave no answer before", "try again later"
            )
        answers: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()

        def asking() -> None:
            try:
                answers.put((ask(), None))
            except BaseException as error:  # noqa: BLE001 - it is raised again where somebody waits for it
                answers.put((None, error))

        Thread(target=asking, daemon=True).start()
        try:
            value, error = answers.get(timeout=self._timeout)
        except Empty:
            self._away.add(at.netloc)
            raise NetworkError(
                f"{_shown(at)} gave no answer within {self._timeout:g} s", "try again later"
            ) from None
        if error:
            raise error
        return cast("T", value)

    def _sent(self, method: str, at: "Url", body: object) -> Any:
        import urllib3

        data = None if body is None else json.dumps(body).encode()
        headers = self._headers(at, None) | ({"Content-Type": "application/json"} if data else {})
        with self._pool() as pool:
            try:
                response = pool.request(
                    method, at.url, body=data, headers=headers, redirect=False, preload_content=False
                )
            except urllib3.exceptions.HTTPError as error:
                raise NetworkError(
                    f"{_shown(at)} cannot be reached: {_cause(error)}", "try again later"
                ) from None
            try:
                answer = self._body(at, response)
            finally:
                response.close()
        try:
            value = json.loads(answer) if answer else None
        except (ValueError, RecursionError):
            value = None
            if response.status < 300:
                raise NetworkError(
                    f"{_shown(at)} does not answer with JSON", "look at the address", response.status
                ) from None
        if response.status >= 300:
            remedy = {
                401: "look at the token",
                403: "the token may not do this",
                404: "look at the address, and at what the token may see",
            }
            reason = f"{_shown(at)} answers with status {response.status}{self._words(value)}"
            raise NetworkError(
                reason,
                remedy.get(response.status, _REMEDY.get(response.status // 100, "mend that")),
                response.status,
            )
        return value

    def _words(self, value: object) -> str:
        """Return what an API says of an error, as GitHub, GitLab and Forgejo write it: one short line,
        without a token.
        """
        found = [value.get(key) for key in ("message", "error", "errors")] if isinstance(value, dict) else []
        text = " ".join(
            json.dumps(each, ensure_ascii=False) if not isinstance(each, str) else each
            for each in found
            if each
        )
        for token in self._tokens.values():
            text = text.replace(token, "…")
        shown = one_line(text, 300)
        return f": {shown}" if shown else ""

    def _pool(self) -> "PoolManager":
        import urllib3

        longest = self._longest_wait

        class Retry(urllib3.Retry):
            """Give up at once on a server that wants to be left alone for longer than anybody waits."""

            def sleep(self, response: "BaseHTTPResponse | None" = None) -> None:
                after = self.get_retry_after(response) if response else None
                if response and after and after > longest:
                    reason = f"the server answers with status {response.status} and wants to be asked again in {after:.0f} s"
                    raise NetworkError(reason, "try again then", response.status)
                super().sleep(response)

        wait = Retry(
            total=self._retries,
            redirect=False,
            status_forcelist=(429, 503),
            backoff_factor=self._backoff / 2,
            backoff_max=self._longest_wait,
            # More than is waited for, so that it is seen.
            retry_after_max=1 << 30,
            raise_on_status=False,
        )
        timeout = urllib3.Timeout(connect=self._timeout, read=self._timeout)
        trusted = self._authorities.decode("ascii", "replace") if self._authorities else None
        return urllib3.PoolManager(retries=wait, timeout=timeout, ca_cert_data=trusted)

    def _follow(self, url: str, cached: _Cached | None) -> tuple[bytes, str]:
        import urllib3

        at = _allowed(url)
        with self._pool() as pool:
            for _ in range(MAX_REDIRECTS + 1):
                try:
                    response = pool.request(
                        "GET",
                        at.url,
                        headers=self._headers(at, cached),
                        redirect=False,
                        preload_content=False,
                    )
                except urllib3.exceptions.HTTPError as error:
                    raise NetworkError(
                        f"{_shown(at)} cannot be reached: {_cause(error)}",
                        "try again later, or use --offline",
                    ) from None
                if response.status not in (301, 302, 303, 307, 308):
                    return self._answer(at, response, cached)
                response.close()
                at = _redirected(at, response.headers.get("Location", ""))
        raise NetworkError(
            f"{_shown(_allowed(url))} redirects more than {MAX_REDIRECTS} times",
            "give the address that it leads to",
        )

    def _headers(self, at: "Url", cached: _Cached | None) -> dict[str, str]:
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "okd-gitops"}
        if token := self._tokens.get(at.host or ""):
            headers["Authorization"] = f"Bearer {token}"
        if cached and cached.etag:
            headers["If-None-Match"] = cached.etag
        return headers

    def _answer(self, at: "Url", response: "BaseHTTPResponse", cached: _Cached | None) -> tuple[bytes, str]:
        try:
            if response.status == 304 and cached and cached.etag:
                return cached.body, cached.etag
            if response.status != 200:
                remedy = {
                    401: "look at the token",
                    403: "it may limit requests: give a token",
                    404: "look at the address",
                    429: "try again later",
                }
                reason = f"{_shown(at)} answers with status {response.status}"
                raise NetworkError(reason, remedy.get(response.status, "try again later"), response.status)
            etag = response.headers.get("ETag", "")
            return self._body(at, response), etag if _ETAG.fullmatch(etag) else ""
        finally:
            # Not release_conn: that would read what is left of an answer that is refused.
            response.close()

    def _body(self, at: "Url", response: "BaseHTTPResponse") -> bytes:
        from urllib3.exceptions import HTTPError

        body = bytearray()
        deadline = time.monotonic() + self._timeout
        try:
            # read1 decompresses at most a chunk.
            while chunk := response.read1(_CHUNK):
                body += chunk
                if len(body) > self._max_bytes:
                    raise NetworkError(
                        f"{_shown(at)} answers with more than {self._max_bytes:,} bytes",
                        "this is not the answer of that API",
                    )
                # Nobody waits for it any more; the connection must end all the same.
                if time.monotonic() > deadline:
                    raise NetworkError(
                        f"{_shown(at)} took more than {self._timeout:g} s to send its answer",
                        "try again later",
                    )
        except HTTPError as error:
            raise NetworkError(
                f"the answer of {_shown(at)} broke off: {_cause(error)}", "try again later"
            ) from None
        return bytes(body)


def remember(cache: Path, url: str, body: bytes, etag: str = "") -> None:
    """Record an answer, atomically. A cache that cannot be written is no failure: the answer is there."""
    head = {"url": url, "etag": etag, "sha256": hashlib.sha256(body).hexdigest()}
    with suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=cache, prefix=".answer-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(json.dumps(head).encode() + b"\n" + body)
                file.flush()
                os.fsync(descriptor)
            Path(name).replace(_place(cache, url))
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _recall(cache: Path, url: str, max_bytes: int) -> _Cached | None:
    """Return the recorded answer; one that is cut, changed or for another address is as good as none."""
    try:
        with _place(cache, url).open("rb") as file:
            head = json.loads(file.readline(1 << 16))
            body = file.read(max_bytes + 1)
    except (OSError, ValueError, RecursionError):
        return None
    fits = (
        isinstance(head, dict)
        and head.get("url") == url
        and head.get("sha256") == hashlib.sha256(body).hexdigest()
    )
    etag = head.get("etag") if fits else None
    if len(body) > max_bytes or not isinstance(etag, str) or not (etag == "" or _ETAG.fullmatch(etag)):
        return None
    return _Cached(etag, body)


def _place(cache: Path, url: str) -> Path:
    return cache / hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()


def _allowed(url: str) -> "Url":
    """Parse an address as urllib3 will understand it; raises NetworkError for any that is not fetched."""
    from urllib3.exceptions import LocationParseError
    from urllib3.util import parse_url

    try:
        at = parse_url(url)
    except (LocationParseError, UnicodeError):
        raise NetworkError("an address is not a URL", "write https://host/path") from None
    if at.auth is not None:
        raise NetworkError(
            f"the address of {at.host} holds a user or password",
            "remove it: credentials come by the environment",
        )
    if not at.host or not (at.scheme == "https" or (at.scheme == "http" and at.host in _LOOPBACK)):
        raise NetworkError(
            f"{_shown(at)} is not https", "write https://host/path; http is for loopback alone"
        )
    return at


def _redirected(at: "Url", location: str) -> "Url":
    from urllib.parse import urljoin

    try:
        to = _allowed(urljoin(at.url, location))
    except (NetworkError, ValueError) as error:
        reason = error.reason if isinstance(error, NetworkError) else "the place is not a URL"
        raise NetworkError(
            f"{_shown(at)} redirects, but {reason}", "give the address that it should lead to"
        ) from None
    if not location or (to.host in _LOOPBACK and at.host not in _LOOPBACK):
        raise NetworkError(f"{_shown(at)} redirects to nowhere or to this machine", "look at the address")
    return to


def _shown(at: "Url") -> str:
    """Name an address without its query, which may hold what nobody should read."""
    return f"{at.scheme}://{at.netloc}{at.path or ''}" if at.host else "an address without a host"


def _cause(error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    return type(reason).__name__
