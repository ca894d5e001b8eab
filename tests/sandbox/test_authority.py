from __future__ import annotations

import socket
import ssl
import stat
import threading

import certifi
import pytest

from sandbox import authority as authority_module
from sandbox.authority import Authority, write_whole


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def test_the_key_is_for_its_owner_only(authority, tmp_path):
    assert stat.S_IMODE((tmp_path / "ca.key").stat().st_mode) == 0o600


def test_a_restart_keeps_the_authority(authority, tmp_path):
    before = authority.file.read_bytes(), authority.bundle.read_bytes()
    again = Authority(tmp_path)
    assert (again.file.read_bytes(), again.bundle.read_bytes()) == before


@pytest.mark.parametrize("lost", ["ca.key", "ca.pem"])
def test_half_an_authority_is_made_anew(authority, tmp_path, lost):
    before = authority.file.read_bytes()
    (tmp_path / lost).unlink()
    again = Authority(tmp_path)
    assert again.file.read_bytes() != before
    assert shaken(again, again, "site.example") == "site.example"


def test_an_unreadable_authority_is_made_anew(authority, tmp_path):
    authority.file.write_bytes(b"not a certificate")
    assert shaken(Authority(tmp_path), Authority(tmp_path), "site.example") == "site.example"


def test_the_bundle_holds_the_authority_and_all_that_is_trusted_anyway(authority, monkeypatch, tmp_path):
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other")
    monkeypatch.setenv("SSL_CERT_FILE", str(other.file))
    loaded = trusted_by(Authority(tmp_path).bundle)
    assert trusted_by(authority.file) | trusted_by(other.file) | trusted_by(certifi.where()) <= loaded


def test_a_sandbox_started_in_its_own_environment_does_not_grow_the_bundle(authority, monkeypatch, tmp_path):
    before = authority.bundle.read_bytes()
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.bundle))
    assert Authority(tmp_path).bundle.read_bytes() == before


def test_clients_see_a_certificate_for_the_name_they_ask_for(authority):
    assert shaken(authority, authority, "Site.Example") == "site.example"
    assert shaken(authority, authority, "other.example") == "other.example"


def test_a_stranger_does_not_believe_the_certificate(authority, tmp_path):
    (tmp_path / "other").mkdir()
    with pytest.raises(ssl.SSLCertVerificationError):
        shaken(authority, Authority(tmp_path / "other"), "site.example")


def test_a_client_that_names_no_host_is_turned_away(authority):
    with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"):
        shaken(authority, authority, None)


@pytest.mark.parametrize(
    "name", ["", "under_score.example", "a..b", "-a.example", "x" * 64 + ".example", "a b", "é.example"]
)
def test_what_is_no_host_name_gets_no_certificate(authority, name):
    with pytest.raises(ValueError, match="host name"):
        authority.server_context(name)


def test_certificates_in_memory_are_bounded_and_those_in_use_kept(authority, monkeypatch):
    monkeypatch.setattr(authority_module, "_KEPT_CONTEXTS", 2)
    first, _ = authority.server_context("a.example"), authority.server_context("b.example")
    assert authority.server_context("A.example") is first
    authority.server_context("c.example")
    assert [name for name, _ in authority._contexts] == ["a.example", "c.example"]


def test_a_file_is_replaced_whole_and_with_its_own_rights(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    (tmp_path / "file.unfinished").write_bytes(b"left by a killed process")
    write_whole(path, b"new", mode=0o600)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in tmp_path.iterdir()] == ["file"]


def trusted_by(path) -> set[bytes]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(path)
    return set(context.get_ca_certs(binary_form=True))


def shaken(server: Authority, client: Authority, name: str | None) -> str:
    """Shake hands over a pair of sockets; the name in the certificate the client saw."""
    ours, theirs = socket.socketpair()
    context = client.client_context()
    if name is None:
        context.check_hostname = False

    def serve():
        try:
            with server.sni_context().wrap_socket(theirs, server_side=True):
                pass
        except OSError:
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with context.wrap_socket(ours, server_hostname=name) as tls:
            return tls.getpeercert()["subjectAltName"][0][1]
    finally:
        ours.close()
        thread.join()
