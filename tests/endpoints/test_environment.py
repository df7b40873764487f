"""Proxies and certificates that the environment names are checked, and shown without secrets."""

import ssl
from pathlib import Path

import pytest

from fakebench_suite.endpoints.address import parse_address
from fakebench_suite.endpoints.environment import (
    check_proxies,
    find_certificates,
    find_proxy,
    load_certificates,
)
from fakebench_suite.endpoints.transport import BoundedClient
from fakebench_suite.errors import UserError
from tests.endpoints.conftest import Certificate


@pytest.mark.parametrize(
    "value",
    [
        "http://user:PASSMA/RK999@127.0.0.1:18113",
        "http://user:999/PASSMARK@127.0.0.1:18113",
        "http://user:PASSMA#RK999@127.0.0.1:18113",
        "http://user:999#PASSMARK@127.0.0.1",
        "http://user:PASSMA?RK999@127.0.0.1:18113",
        "user:PASSMA/RK999@127.0.0.1",
        "ftp://user:PASSMARK@127.0.0.1:1",
        "socks4://PASSMARK@127.0.0.1:1",
        "socks://PASSMARK@127.0.0.1:1",
        "http://user:PASSMARK@127.0.0.1:99999",
        "http://user:99999/PASSMARK@127.0.0.1",
        "http://user:PASSMARK@127.0.0.1:0",
        "http://user:PASSMARK@",
        "http://user:PASSMARK@host name:1",
        "http://[PASSMARK",
        "http://",
    ],
)
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_value_that_is_no_proxy_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """The variable is, spelled as it is; and what to do."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(UserError) as caught:
        BoundedClient(deadline=1)
    text = str(caught.value)
    assert text.startswith(f"{variable} ")
    assert text.endswith("unset it.")
    for part in ("PASSMA", "RK999", "user:", "999"):
        assert part not in text
    # Nor where the error is shown with those that led to it.
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_proxies_that_no_host_uses_may_be_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with NO_PROXY=*."""
    monkeypatch.setenv("HTTP_PROXY", "ftp://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "example.com, *")
    BoundedClient(deadline=1)


def test_a_proxy_is_shown_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the scheme comes first, then that of all."""
    assert find_proxy("http") is None
    monkeypatch.setenv("ALL_PROXY", "proxy.example:3128")
    monkeypatch.setenv("https_proxy", "http://me:hunter2%2Fhunter2@Proxy.Example:8080/")
    check_proxies()
    everything, secure = find_proxy("http"), find_proxy("https")
    assert everything is not None
    assert secure is not None
    assert everything.shown == "the proxy of ALL_PROXY (http://proxy.example:3128)"
    assert secure.shown == "the proxy of https_proxy (http://proxy.example:8080)"
    assert (everything.has_password, secure.has_password) == (False, True)


def test_a_password_of_a_proxy_is_a_secret_of_every_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As it is, quoted, and as the proxy is sent it."""
    monkeypatch.setenv("HTTPS_PROXY", "http://me:hunter2%2Fhunter2@127.0.0.1:8080")
    secrets = parse_address("http://localhost/v1").secrets
    assert {"hunter2/hunter2", "hunter2%2Fhunter2", "bWU6aHVudGVyMi9odW50ZXIy"} <= set(secrets)


@pytest.mark.process
def test_certificates_of_other_clients_count_last(
    monkeypatch: pytest.MonkeyPatch, certificate: Certificate, tmp_path: Path
) -> None:
    """OpenSSL's two variables come first, and both count; any of them replaces the system's."""
    path = str(certificate.path)

    def list_variables() -> list[str]:
        return [place.variable for place in find_certificates()]

    def count() -> int:
        return len(load_certificates().get_ca_certs())

    assert list_variables() == []
    for variable in ("CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(variable, path)
        assert list_variables() == [variable]
        assert count() == 1
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert list_variables() == ["SSL_CERT_FILE", "SSL_CERT_DIR"]
    assert count() == 1
    monkeypatch.delenv("SSL_CERT_FILE")
    assert list_variables() == ["SSL_CERT_DIR"]
    assert count() == 0
    assert load_certificates().verify_mode is ssl.CERT_REQUIRED
    assert load_certificates().check_hostname


@pytest.mark.process
@pytest.mark.parametrize(
    "variable", ["SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"]
)
def test_the_variable_at_fault_is_named_alone(
    monkeypatch: pytest.MonkeyPatch, certificate: Certificate, tmp_path: Path, variable: str
) -> None:
    """Also where another one is set, and right."""
    other = "SSL_CERT_DIR" if variable == "SSL_CERT_FILE" else "SSL_CERT_FILE"
    if variable == "SSL_CERT_DIR":
        monkeypatch.setenv(other, str(certificate.path))
    elif variable == "SSL_CERT_FILE":
        monkeypatch.setenv(other, str(tmp_path))
    monkeypatch.setenv(variable, str(tmp_path / "nowhere"))
    with pytest.raises(UserError) as caught:
        load_certificates()
    assert f"{variable}={tmp_path / 'nowhere'} cannot be read: " in str(caught.value)
    assert other not in str(caught.value)
