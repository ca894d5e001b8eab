"""The sandbox's certificate authority: who vouches for the sandbox's public names."""

from __future__ import annotations

import logging
import os
import re
import ssl
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import certifi
import trustme

_log = logging.getLogger(__name__)
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?", re.DOTALL)
#: Host names as certificates hold them: lower case, letters, digits, hyphens, dots
#: (https://www.rfc-editor.org/rfc/rfc5890#section-2.3.1).
_HOSTNAME = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")
#: Certificates kept in memory; a sandbox has a handful of names, a client may ask for any.
_KEPT_CONTEXTS = 64
_EXPIRED_SINCE, _LIFE = timedelta(days=1), timedelta(days=90)


class Authority:
    """Issues certificates for single names; the same authority after a restart.

    ``file`` is its certificate, ``bundle`` that one and all that this machine trusts anyway: a client that is told to
    trust the bundle (``SSL_CERT_FILE``) still reaches the rest of the world.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / "ca.pem"
        self.bundle = folder / "ca-bundle.pem"
        self._ca = _loaded(self.file, folder / "ca.key")
        own = self._ca.cert_pem.bytes()
        write_whole(
            self.bundle, b"".join([own, *(found for found in _trusted(self.bundle) if found.strip() != own.strip())])
        )
        self._contexts: OrderedDict[tuple[str, bool], ssl.SSLContext] = OrderedDict()

    def server_context(self, hostname: str, *, expired: bool = False) -> ssl.SSLContext:
        """TLS context with a certificate for ``hostname``; one for each name. ValueError for what is no host name.

        With ``expired`` the certificate was good until yesterday.
        """
        name = hostname.lower()
        if (name, expired) in self._contexts:
            self._contexts.move_to_end((name, expired))
            return self._contexts[name, expired]
        if not _HOSTNAME.match(name):
            raise ValueError(f"no certificate for {hostname!r}: it is no host name")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        begin, end = _validity(expired)
        self._ca.issue_cert(name, not_before=begin, not_after=end).configure_cert(context)
        self._contexts[name, expired] = context
        if len(self._contexts) > _KEPT_CONTEXTS:
            self._contexts.popitem(last=False)
        return context

    def sni_context(self, expired: Callable[[], bool] = lambda: False) -> ssl.SSLContext:
        """TLS context of a listener: shows a certificate for the name that the client asks for.

        ``expired`` is asked at each handshake whether that certificate is to be out of date.
        A client that names no host is turned away with the alert ``unrecognized_name``
        (https://www.rfc-editor.org/rfc/rfc6066#section-3).
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])

        def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
            try:
                connection.context = self.server_context(name or "", expired=expired())
            except ValueError:
                return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
            return None

        context.sni_callback = choose
        return context

    def client_context(self) -> ssl.SSLContext:
        """Client side that trusts this authority only."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._ca.configure_trust(context)
        return context


def write_whole(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file that is there whole or not at all, also after kill -9, and never with more rights than ``mode``."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    unfinished.replace(path)


def _validity(expired: bool) -> tuple[datetime | None, datetime | None]:
    """First and last moment of a certificate; None stands for the authority's usual ones."""
    if not expired:
        return None, None
    end = datetime.now(UTC) - _EXPIRED_SINCE
    return end - _LIFE, end


def _loaded(certificate: Path, key: Path) -> trustme.CA:
    if certificate.exists() and key.exists():
        try:
            return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())
        except ValueError:
            _log.warning("%s or its key cannot be read; making a new authority", certificate)
    certificate.unlink(missing_ok=True)
    made = trustme.CA(organization_name="peacefulrobot sandbox")
    write_whole(key, made.private_key_pem.bytes(), mode=0o600)
    write_whole(certificate, made.cert_pem.bytes())
    return made


def _trusted(own_bundle: Path) -> list[bytes]:
    """Certificates this machine trusts: the system's file, the one of SSL_CERT_FILE, and certifi's; each once."""
    candidates = [os.environ.get("SSL_CERT_FILE"), ssl.get_default_verify_paths().openssl_cafile, certifi.where()]
    found: dict[bytes, None] = {}
    for candidate in candidates:
        path = Path(candidate) if candidate else own_bundle
        if path == own_bundle or not path.is_file():
            continue
        for block in _CERTIFICATE.findall(path.read_bytes()):
            found[block.rstrip() + b"\n"] = None
    return list(found)
