"""The gate as Tekton Triggers calls it: a server that answers InterceptorRequests by HTTPS.

Both were read in tektoncd/triggers v0.35.0 (those of v0.34.0 are the same):
pkg/apis/triggers/v1beta1/interceptor_types.go for their fields, pkg/interceptors/interceptors.go for the
caller, which takes HTTP 200 as a decision and everything else as a failure that it logs.
"""

import json
import signal
import ssl
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import SHUT_RDWR, socket
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from okd_gitops.errors import ToolError
from okd_gitops.gate.certificates import Certificates
from okd_gitops.gate.decide import Code, Decision, Expectation
from okd_gitops.gate.log import log
from okd_gitops.gate.report import read_report
from okd_gitops.gate.store import Ledger, LedgerError

# The request holds the event's body and headers; a report has less than 1 KB.
MAX_BYTES = 64 << 10
MAX_CONNECTIONS = 64
# For a handshake and for each read or write (the caller gives up after 10 s), and for a whole connection.
_SECONDS = 10
_LONGEST = 30


class Context(BaseModel):
    """TriggerContext: which event this is."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)
    event_id: str = ""


class InterceptorRequest(BaseModel):
    """What the gate reads of an InterceptorRequest.

    `body` is the event as its sender wrote it; headers, with their token, are not even parsed.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)
    body: str = ""
    context: Context | None = None


class GateServer(ThreadingHTTPServer):
    """Serves decisions.

    Each connection is one request: replicas share the load, and a stop waits for answers only.
    """

    daemon_threads = False
    request_queue_size = 64

    def __init__(
        self,
        address: tuple[str, int],
        certificates: Certificates,
        ledger: Ledger,
        expected: Expectation,
        *,
        interceptor: str = "",
        clock: Callable[[], datetime],
    ) -> None:
        """Raises ToolError when the address cannot be had."""
        self.certificates, self.ledger, self.expected = certificates, ledger, expected
        self.interceptor, self.clock = interceptor, clock
        self._room = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._since: dict[socket, float] = {}
        try:
            super().__init__(address, _Handler)
        except OSError as error:
            reason = f"{address[0]}:{address[1]} cannot be listened on: {error.strerror}"
            raise ToolError(reason, "give another --listen or --port") from None

    def process_request(self, request: Any, client_address: Any) -> None:
        """Hand a connection to a thread of its own, or hang up when there are too many."""
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:
            # No thread could be started.
            self._room.release()
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection, its TLS handshake included: a slow client holds up nobody else."""
        secured = None
        try:
            secured = self._secured(request)
            if secured is not None:
                self._since[secured] = time.monotonic()
                super().process_request_thread(secured, client_address)
        finally:
            if secured is not None:
                self._since.pop(secured, None)
            self._room.release()

    def service_actions(self) -> None:
        """End connections that have lasted too long.

        A client that sends byte by byte keeps within every other limit.
        """
        for connection, since in list(self._since.items()):
            if time.monotonic() - since > _LONGEST:
                with suppress(OSError):
                    connection.shutdown(SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the signature is socketserver's
        """Log what ended a connection, with its place, unless the client did that to its own connection."""
        error = sys.exception()
        if not isinstance(error, OSError):
            log("bug", error=type(error).__name__, where=_place_of(error))

    def ready(self) -> str:
        """Return why the gate cannot decide, or nothing. EventListeners know its CA afterwards."""
        try:
            bundle = self.certificates.bundle()
            if not self.interceptor or not bundle:
                self.ledger.reachable()
            elif self.ledger.publish(self.interceptor, bundle):
                log("published the CA", interceptor=self.interceptor)
        except ToolError as error:
            log("not ready", reason=error.reason, remedy=error.remedy)
            return error.reason
        return ""

    def decide(self, request: InterceptorRequest) -> dict[str, Any]:
        """Return the InterceptorResponse to a request; raises LedgerError when nothing could be decided."""
        report, fault = read_report(request.body)
        event = request.context.event_id[:64] if request.context else ""

        if report is None:
            log("refused", event=event, reason=fault)
            return {"continue": False, "status": {"code": int(Code.INVALID_ARGUMENT), "message": fault}}

        decision = self.ledger.record(report, self.expected, self.clock())
        log(
            _outcome(decision),
            event=event,
            reason=decision.message,
            key=report.key,
            image=report.image,
            arch=report.arch,
            digest=report.digest,
            run=report.run,
        )

        status = {"code": int(decision.code), "message": decision.message}
        response: dict[str, Any] = {"continue": decision.proceed, "status": status}
        if decision.proceed:
            response["extensions"] = decision.extensions
        return response

    def _secured(self, request: socket) -> ssl.SSLSocket | None:
        request.settimeout(_SECONDS)
        try:
            return self.certificates.context().wrap_socket(request, server_side=True)
        except OSError:
            # Scanners, and clients that do not know the CA.
            self.shutdown_request(request)
            return None


def _outcome(decision: Decision) -> str:
    if not decision.proceed:
        return "closed"
    return "opened" if decision.first else "opened again"


def _place_of(error: BaseException | None) -> str:
    """Return the file and the line that raised an error."""
    traceback = error.__traceback__ if error else None
    if traceback is None:
        return ""

    while traceback.tb_next:
        traceback = traceback.tb_next
    return f"{Path(traceback.tb_frame.f_code.co_filename).name}:{traceback.tb_lineno}"


class _Handler(BaseHTTPRequestHandler):
    server: GateServer
    timeout = _SECONDS
    server_version = "okd-gitops"
    sys_version = ""

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self._send(HTTPStatus.OK, {"status": "ok"})
        elif self.path == "/readyz":
            fault = self.server.ready()
            self._send(HTTPStatus.SERVICE_UNAVAILABLE if fault else HTTPStatus.OK, {"status": fault or "ok"})
        else:
            self._send(HTTPStatus.NOT_FOUND, {"status": "not found"})

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            self._send(HTTPStatus.LENGTH_REQUIRED, {"status": "a request has a length"})
        elif len(length) > 9 or int(length) > MAX_BYTES:
            self._send(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"status": f"a request has at most {MAX_BYTES} bytes"}
            )
        else:
            self._decide(self.rfile.read(int(length)))

    def _decide(self, text: bytes) -> None:
        try:
            request = InterceptorRequest.model_validate_json(text)
        except ValidationError:
            self._send(HTTPStatus.BAD_REQUEST, {"status": "this is not an InterceptorRequest"})
            return
        try:
            answer = self.server.decide(request)
        except LedgerError as error:
            # This is no decision: whoever sent the report may send it again.
            log("undecided", reason=error.reason, remedy=error.remedy)
            self._send(
                HTTPStatus.SERVICE_UNAVAILABLE, {"status": "the state of the set cannot be read or written"}
            )
            return
        self._send(HTTPStatus.OK, answer)

    def _send(self, status: HTTPStatus, answer: dict[str, Any]) -> None:
        text = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the signature is http.server's
        """Probes are not news; decisions have a line of their own."""


def serve(server: GateServer) -> None:
    """Serve until SIGTERM or SIGINT; requests that have arrived are answered first."""

    def stop(signum: int, frame: object) -> None:  # noqa: ARG001 - the signature is signal's
        # shutdown() waits for serve_forever(), which this thread is in.
        threading.Thread(target=server.shutdown).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    log(
        "serving",
        address=":".join(map(str, server.server_address[:2])),
        arches=",".join(server.expected.arches),
    )
    with server:
        server.serve_forever()
    log("stopped")
