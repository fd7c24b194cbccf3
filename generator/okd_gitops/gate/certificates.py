"""The certificate with which the gate serves, and the CAs that callers must trust."""

import base64
import ssl
import threading
from collections.abc import Sequence
from pathlib import Path

from okd_gitops.errors import ToolError
from okd_gitops.gate.log import log

_MOUNT_CA = "mount the CA of the certificate there"


class Certificates:
    """The certificate of the server and the CA that signed it.

    They are read again when the files change: kubelet swaps mounted files in place.
    """

    def __init__(self, certificate: Path, key: Path, authorities: Sequence[Path] = ()) -> None:
        """Raises ToolError when the files do not exist or do not belong together."""
        self._files = (certificate, key)
        self._authorities = tuple(authorities)
        self._lock = threading.Lock()
        self._stamp: object = None
        self._context = self._load()

    def context(self) -> ssl.SSLContext:
        """Return the current TLS settings; while new files do not fit together yet, those before."""
        with self._lock:
            try:
                if self._stamps() != self._stamp:
                    self._context = self._load()
            except ToolError as error:
                log("certificate kept", reason=error.reason)
            return self._context

    def bundle(self) -> str:
        """Return the CAs in base64, empty when none was asked for.

        Of several files those that exist count: where they are differs between clusters. Raises ToolError
        when none exists or one is not a certificate.
        """
        if not self._authorities:
            return ""

        files = [path for path in self._authorities if path.exists()]
        if not files:
            names = " nor ".join(map(str, self._authorities))
            raise ToolError(f"{names} is not there", _MOUNT_CA)

        try:
            text = b"\n".join(path.read_bytes() for path in files)
        except OSError as error:
            raise ToolError(f"{error.filename} cannot be read: {error.strerror}", _MOUNT_CA) from None

        # An EventListener does not start with a bundle that it cannot parse.
        try:
            ssl.create_default_context(cadata=text.decode("ascii"))
        except (ssl.SSLError, ValueError):
            raise ToolError(f"{files[0]} is no certificate", f"{_MOUNT_CA}, as PEM") from None

        return base64.b64encode(text).decode()

    def _stamps(self) -> object:
        """Return what differs when a file was replaced."""
        try:
            states = [path.stat() for path in self._files]
        except OSError as error:
            reason = f"{error.filename} cannot be read: {error.strerror}"
            raise ToolError(reason, "mount the certificate and its key there") from None

        return [(state.st_mtime_ns, state.st_size, state.st_ino) for state in states]

    def _load(self) -> ssl.SSLContext:
        stamp = self._stamps()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2

        try:
            context.load_cert_chain(*self._files, password="")
        except (OSError, ValueError) as error:
            reason = f"{self._files[0]} and {self._files[1]} are not a certificate and its key: {error}"
            raise ToolError(reason, "give both as PEM, without a passphrase") from None

        self._stamp = stamp
        return context
