"""A Kubernetes API server for ConfigMaps and one custom object, on loopback: what the gate uses of it,
with real resourceVersion semantics.

Types and statuses follow k8s.io/api core/v1 ConfigMap, apimachinery meta/v1 Status, and
https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md#concurrency-control-and-consistency.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kubernetes import client

NAMESPACE = "okd-coreos"
_MAPS = re.compile(rf"/api/v1/namespaces/{NAMESPACE}/configmaps(?:/([a-z0-9.-]+))?")
_INTERCEPTORS = re.compile(
    rf"/apis/triggers\.tekton\.dev/v1alpha1/namespaces/{NAMESPACE}/interceptors/([a-z0-9.-]+)"
)


class Api(ThreadingHTTPServer):
    """Holds objects by name. `before` is called before each request and may change what is held; a status
    that it returns is the answer.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lock = threading.RLock()
        self.maps: dict[str, dict[str, Any]] = {}
        self.interceptors: dict[str, dict[str, Any]] = {}
        self.version = 0
        self.log: list[str] = []
        self.before: Callable[[str, str], int | None] = lambda _method, _path: None
        # Verbs that are done and then not answered.
        self.unanswered: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def client(self) -> client.ApiClient:
        given = client.Configuration(host=self.url)
        given.retries = False
        return client.ApiClient(given)

    def stored(self) -> list[Any]:
        return [json.loads(value["data"]["set.json"]) for value in self.maps.values()]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is part of these tests."""


@contextmanager
def serving() -> Iterator[Api]:
    api = Api()
    thread = threading.Thread(target=lambda: api.serve_forever(poll_interval=0.02))
    thread.start()
    try:
        yield api
    finally:
        api.shutdown()
        thread.join()
        api.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Api
    # Without this, two small segments wait for each other for 40 ms.
    disable_nagle_algorithm = True
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"null")
        api = self.server
        forced = api.before(self.command, self.path)
        with api.lock:
            api.log.append(f"{self.command} {urlsplit(self.path).path.rsplit('/', 1)[-1]}")
            status, value = (forced, None) if forced else self._answer(body)
        if self.command in api.unanswered:
            api.unanswered.remove(self.command)
            self.close_connection = True
            return
        if value is None:
            reason = {404: "NotFound", 409: "AlreadyExists" if self.command == "POST" else "Conflict"}.get(
                status, "InternalError"
            )
            value = {
                "apiVersion": "v1",
                "kind": "Status",
                "status": "Failure",
                "reason": reason,
                "code": status,
                "message": reason,
            }
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _serve  # noqa: N815 - names of http.server

    def _answer(self, body: Any) -> tuple[int, dict[str, Any] | None]:
        api, path = self.server, urlsplit(self.path)
        if found := _INTERCEPTORS.fullmatch(path.path):
            return self._interceptor(found[1], body)
        found = _MAPS.fullmatch(path.path)
        assert found, self.path
        name = found[1]
        if self.command == "GET" and not name:
            wanted = dict(
                pair.split("=")
                for pair in parse_qs(path.query).get("labelSelector", [""])[0].split(",")
                if pair
            )
            items = [
                value for value in api.maps.values() if wanted.items() <= value["metadata"]["labels"].items()
            ]
            return 200, {
                "apiVersion": "v1",
                "kind": "ConfigMapList",
                "metadata": {"resourceVersion": str(api.version)},
                "items": items,
            }
        if self.command == "POST":
            name = body["metadata"]["name"]
            return (409, None) if name in api.maps else (201, self._put(name, body))
        if name not in api.maps:
            return 404, None
        held = api.maps[name]["metadata"]["resourceVersion"]
        if self.command == "DELETE":
            if (body or {}).get("preconditions", {}).get("resourceVersion", held) != held:
                return 409, None
            del api.maps[name]
            return 200, {"apiVersion": "v1", "kind": "Status", "status": "Success"}
        if self.command == "PUT":
            return (
                (409, None)
                if body["metadata"].get("resourceVersion", held) != held
                else (200, self._put(name, body))
            )
        return 200, api.maps[name]

    def _put(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        api = self.server
        api.version += 1
        assert body["metadata"]["namespace"] == NAMESPACE
        value = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            **body,
            "metadata": {**body["metadata"], "resourceVersion": str(api.version)},
        }
        api.maps[name] = value
        return value

    def _interceptor(self, name: str, body: Any) -> tuple[int, dict[str, Any] | None]:
        held = self.server.interceptors.get(name)
        if held is not None and self.command == "PATCH":
            assert self.headers["Content-Type"] == "application/merge-patch+json"
            _merge(held, body)
        return (404, None) if held is None else (200, held)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the signature is http.server's
        """Tests look at `log`."""


def _merge(held: dict[str, Any], patch: dict[str, Any]) -> None:
    for name, value in patch.items():
        if isinstance(value, dict):
            _merge(held.setdefault(name, {}), value)
        else:
            held[name] = value
