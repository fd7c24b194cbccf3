"""One exchange with a server: bounded in time and size, retried as the server asks, never redirected."""

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, TypeVar, cast

from okd_gitops.system.address import NetworkError, shown

if TYPE_CHECKING:
    from ssl import SSLContext

    from urllib3 import BaseHTTPResponse, PoolManager
    from urllib3.util import Url

T = TypeVar("T")
_TOKEN = re.compile(r"[!-~]+")
_CHUNK = 1 << 16


class Connection:
    """Asks servers, with the limits and tokens that `http.Http` describes."""

    def __init__(
        self,
        *,
        timeout: float,
        max_bytes: int,
        retries: int,
        backoff: float,
        longest_wait: int,
        tokens: Mapping[str, str],
        authorities: bytes | None,
        client: bytes | None,
    ) -> None:
        if not all(_TOKEN.fullmatch(token) for token in tokens.values()):
            reason = "the token holds a blank or a character that no header can carry"
            raise NetworkError(reason, "look for a line feed at its end")

        self._timeout, self._max_bytes = timeout, max_bytes
        self._retries, self._backoff, self._longest_wait = retries, backoff, longest_wait
        self._tokens, self._authorities, self._client = tokens, authorities, client
        self._silent_servers: set[str | None] = set()

    def in_time(self, address: "Url", ask: Callable[[], T]) -> T:
        """Return what `ask` returns, or raise NetworkError when the time is over.

        A name server, a handshake and headers that come byte by byte have no limit of their own: so it is a
        thread that asks, and it is left behind.
        """
        if address.netloc in self._silent_servers:
            reason = f"{shown(address)} is not asked: that server gave no answer before"
            raise NetworkError(reason, "try again later")

        answers: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()

        def put_answer() -> None:
            try:
                answers.put((ask(), None))
            except BaseException as error:  # noqa: BLE001 - it is raised again where somebody waits for it
                answers.put((None, error))

        Thread(target=put_answer, daemon=True).start()
        try:
            value, error = answers.get(timeout=self._timeout)
        except Empty:
            self._silent_servers.add(address.netloc)
            reason = f"{shown(address)} gave no answer within {self._timeout:g} s"
            raise NetworkError(reason, "try again later") from None

        if error:
            raise error
        return cast("T", value)

    @contextmanager
    def response(
        self,
        method: str,
        address: "Url",
        *,
        body: bytes | None = None,
        headers: Mapping[str, str],
        remedy: str = "try again later",
    ) -> Iterator["BaseHTTPResponse"]:
        """Give the response of a server, whatever its status, for as long as the block runs.

        Raises NetworkError with `remedy` when the server cannot be reached.
        """
        from urllib3.exceptions import HTTPError

        with self._pool() as pool:
            try:
                response = pool.request(
                    method,
                    address.url,
                    body=body,
                    headers={**self._own_headers(address), **headers},
                    redirect=False,
                    preload_content=False,
                )
            except HTTPError as error:
                reason = f"{shown(address)} cannot be reached: {_cause(error)}"
                raise NetworkError(reason, remedy) from None

            try:
                yield response
            finally:
                # Not release_conn: that would read what is left of an answer that is refused.
                response.close()

    def body(self, address: "Url", response: "BaseHTTPResponse") -> bytes:
        """Return the body of a response; raises NetworkError when it is too large, too slow or cut off."""
        from urllib3.exceptions import HTTPError

        body = bytearray()
        deadline = time.monotonic() + self._timeout

        try:
            # read1 decompresses at most a chunk.
            while chunk := response.read1(_CHUNK):
                body += chunk
                self._refuse_endless(address, len(body), deadline)
        except HTTPError as error:
            reason = f"the answer of {shown(address)} broke off: {_cause(error)}"
            raise NetworkError(reason, "try again later") from None

        return bytes(body)

    def without_tokens(self, text: str) -> str:
        """Return a text in which no token is left."""
        for token in self._tokens.values():
            text = text.replace(token, "…")
        return text

    def _refuse_endless(self, address: "Url", size: int, deadline: float) -> None:
        if size > self._max_bytes:
            reason = f"{shown(address)} answers with more than {self._max_bytes:,} bytes"
            raise NetworkError(reason, "this is not the answer of that API")

        # Nobody waits for it any more; the connection must end all the same.
        if time.monotonic() > deadline:
            reason = f"{shown(address)} took more than {self._timeout:g} s to send its answer"
            raise NetworkError(reason, "try again later")

    def _own_headers(self, address: "Url") -> dict[str, str]:
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "okd-gitops"}
        if token := self._tokens.get(address.host or ""):
            headers["Authorization"] = f"Bearer {token}"
        return headers

    def _pool(self) -> "PoolManager":
        import urllib3

        longest = self._longest_wait

        class Retry(urllib3.Retry):
            """Gives up at once on a server that must be left alone for longer than anybody waits."""

            def sleep(self, response: "BaseHTTPResponse | None" = None) -> None:
                after = self.get_retry_after(response) if response else None
                if response and after and after > longest:
                    reason = (
                        f"the server answers with status {response.status} "
                        f"and wants to be asked again in {after:.0f} s"
                    )
                    raise NetworkError(reason, "try again then", response.status)
                super().sleep(response)

        retries = Retry(
            total=self._retries,
            redirect=False,
            status_forcelist=(429, 503),
            backoff_factor=self._backoff / 2,
            backoff_max=longest,
            # More than is waited for, so that it is seen.
            retry_after_max=1 << 30,
            raise_on_status=False,
        )
        timeout = urllib3.Timeout(connect=self._timeout, read=self._timeout)
        trusted = self._authorities.decode("ascii", "ignore") if self._authorities else None

        return urllib3.PoolManager(
            retries=retries, timeout=timeout, ca_cert_data=trusted, ssl_context=self._own_certificate()
        )

    def _own_certificate(self) -> "SSLContext | None":
        """Return what shows a certificate to servers; it is read from a file of memory alone."""
        if self._client is None:
            return None

        from ssl import SSLError

        from urllib3.util import create_urllib3_context

        context = create_urllib3_context()
        memory = os.memfd_create("client")

        try:
            os.write(memory, self._client)
            # An encrypted key must not ask whoever sits there for its password.
            context.load_cert_chain(f"/proc/self/fd/{memory}", password=lambda: b"")
        except (SSLError, ValueError, OSError):
            raise NetworkError("the certificate of the account is none, or has another key") from None
        finally:
            os.close(memory)

        return context


def _cause(error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    return type(reason).__name__
