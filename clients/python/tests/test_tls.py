"""Against a server behind something that ends TLS."""

from __future__ import annotations

import shutil
import ssl
import subprocess

import pytest
from proxies import TcpProxy

import holdfast

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="left out: there is no openssl")
QUICK = holdfast.RetryPolicy(try_timeout=2, total_timeout=1)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Of 127.0.0.1 and of holdfast.test, signed by itself."""
    folder = tmp_path_factory.mktemp("tls")
    names = "subjectAltName=IP:127.0.0.1,DNS:holdfast.test"
    files = ["-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    command = ["openssl", "req", "-x509", *kind, "-subj", "/CN=holdfast", "-addext", names, *files]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return folder


@pytest.fixture
def encrypted(address, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    context.set_alpn_protocols(["h2"])
    proxy = TcpProxy(address, context)
    yield proxy.address
    proxy.close()


@pytest.mark.parametrize("server_name", [None, "holdfast.test"])
def test_trusts_the_authority_that_it_is_given(connect, encrypted, certificate, key, server_name):
    tls = holdfast.Tls(ca=(certificate / "cert.pem").read_text(), server_name=server_name)
    hf = connect(encrypted, tls=tls, api_key="key")
    assert hf.once("charge", key, input=1, work=lambda a: a.number).value == 1


@pytest.mark.parametrize("own", [None, "other.test"], ids=["another authority", "another name"])
def test_does_not_talk_to_whom_it_cannot_trust(connect, encrypted, certificate, key, own):
    tls = True if own is None else holdfast.Tls(ca=(certificate / "cert.pem").read_bytes(), server_name=own)
    with pytest.raises(holdfast.TransportError, match="no server answered"):
        connect(encrypted, tls=tls, retry=QUICK).once("charge", key, input=1, work=None)


def test_refuses_a_key_that_is_none(certificate):
    cert = (certificate / "cert.pem").read_text()
    with pytest.raises(ValueError, match=r"tls\.key must hold a private key in PEM"):
        holdfast.connect("localhost:1", tls=holdfast.Tls(cert=cert, key=cert))
