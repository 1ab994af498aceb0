from __future__ import annotations

import pytest

import holdfast
from holdfast._transport import is_loopback


@pytest.mark.parametrize(
    ("addresses", "options", "says"),
    [
        ([], {}, "needs an address"),
        (["http://localhost:7400"], {}, "and not a URL"),
        (["localhost:1"], {"api_key": "a", "token": "b"}, "an api_key or a token, not both"),
        (["localhost:1"], {"api_key": "with space"}, "api_key must be 1 to 12288 visible ASCII"),
        (["localhost:1"], {"token": "\u20ac"}, "token must be 1 to"),
        (["localhost:1", "example.org:1"], {"api_key": "a"}, "in clear text: set tls"),
        (["localhost:1"], {"tls": holdfast.Tls(cert="x")}, "tls.cert and tls.key go together"),
        (["localhost:1"], {"tls": holdfast.Tls(ca="/etc/ca.pem")}, "tls.ca must hold a certificate in PEM"),
    ],
)
def test_refuses_options_that_contradict_each_other_or_would_show_a_credential(addresses, options, says):
    with pytest.raises(ValueError, match=says):
        holdfast.connect(*addresses, **options)


def test_names_the_field_that_no_server_would_take():
    with pytest.raises(holdfast.FieldInvalidError, match="tenant must be"):
        holdfast.connect("localhost:1", tenant="t" * 64)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("localhost:7400", True),
        ("127.3.2.1", True),
        ("[::1]:7400", True),
        ("dns:///localhost:1", True),
        ("unix:/run/x.sock", True),
        ("ipv4:127.0.0.1:1,127.0.0.2:1", True),
        ("127.0.0.1.example.org:1", False),
        ("dns://10.0.0.1/localhost:1", False),
        ("ipv4:127.0.0.1:1,10.0.0.1:1", False),
        ("localhost.example.org", False),
    ],
)
def test_knows_what_stays_on_this_machine(address, expected):
    assert is_loopback(address) is expected


def test_shows_no_credential_when_it_is_printed():
    assert "secret" not in repr(holdfast.Tls(key="secret"))


def test_refuses_calls_once_it_is_closed():
    client = holdfast.connect("localhost:1")
    client.close()
    with pytest.raises(holdfast.ClosedError):
        client.once("s", "k", input=None, work=lambda _: None)
    with pytest.raises(holdfast.ClosedError):
        next(client.wait_for([("s", "k")]))
