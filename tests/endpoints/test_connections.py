"""What is said where there is no connection: what is at fault, and what to change."""

import asyncio
import gzip
import re
import socket
from collections.abc import Iterator

import pytest

from fakebench_suite.endpoints import transport
from fakebench_suite.endpoints.address import parse_address
from fakebench_suite.endpoints.client import ChatClient
from fakebench_suite.endpoints.connections import find_cause
from fakebench_suite.endpoints.failures import Subject, describe_failure, explain_failure
from tests.endpoints.conftest import (
    COMPLETION,
    Certificate,
    build_reply,
    listen,
    reply_with,
)

REFUSED = build_reply(b"", status="407 Proxy Authentication Required")


def explain(url: str, *, timeout: float = 3.0) -> tuple[str, str]:
    """What is said about a test request before a run, and about a request in a run."""
    address = parse_address(url)
    subject = Subject(noun="model", name="tiny", option="--model", address=address)

    async def ask() -> tuple[str, str]:
        client = ChatClient(address, timeout=timeout, concurrency=1)
        try:
            await client.send_test_request(b"{}")
        except Exception as error:  # As the callers of this do.
            return explain_failure(error, subject), describe_failure(error, *address.secrets)
        finally:
            await client.close()
        return "", ""

    return asyncio.run(ask())


@pytest.fixture
def dead_port() -> Iterator[int]:
    """A port at which nothing listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A proxy for CONNECT, which asks for no password."""
    head = await reader.readuntil(b"\r\n\r\n")
    port = int(head.split()[1].rpartition(b":")[2])
    far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")

    async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while piece := await source.read(65_536):
            target.write(piece)
            await target.drain()
        target.close()

    try:
        await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))
    finally:  # Where one direction breaks off, the other would wait for ever.
        far_writer.close()


@pytest.mark.process
@pytest.mark.parametrize("proxied", [False, True], ids=["direct", "by a proxy"])
def test_a_certificate_that_cannot_be_verified_is_said(
    monkeypatch: pytest.MonkeyPatch, certificate: Certificate, proxied: bool
) -> None:
    """With the variable to name its authority in, which then is enough."""
    reply = build_reply()
    with listen(reply_with(reply), context=certificate.context) as port, listen(forward) as proxy:
        if proxied:
            monkeypatch.setenv("HTTPS_PROXY", f"http://me:hunter2@127.0.0.1:{proxy}")
        url = f"https://localhost:{port}/v1"
        text, _ = explain(url)
        assert re.search(r"certificate of the model tiny cannot be verified: self.signed", text)
        assert "name the file with the authority's certificate in SSL_CERT_FILE" in text
        assert ("the proxy of HTTPS_PROXY" in text) is proxied
        assert "Start its server" not in text
        assert "hunter2" not in text
        for variable in ("CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
            monkeypatch.setenv(variable, str(certificate.path))
            assert explain(url) == ("", "")
            monkeypatch.delenv(variable)


@pytest.mark.process
def test_the_certificates_that_are_trusted_are_named(
    monkeypatch: pytest.MonkeyPatch, certificate: Certificate, tmp_path: object
) -> None:
    """As what the server's authority is missing among."""
    with listen(reply_with(build_reply()), context=certificate.context) as port:
        monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
        text, _ = explain(f"https://localhost:{port}/v1")
        assert f"Only certificates of SSL_CERT_DIR={tmp_path} are trusted" in text
        assert "openssl rehash" in text
        monkeypatch.delenv("SSL_CERT_DIR")
        monkeypatch.setenv("CURL_CA_BUNDLE", str(tmp_path))
        text, _ = explain(f"https://localhost:{port}/v1")
        assert f"Only certificates of CURL_CA_BUNDLE={tmp_path} are trusted" in text
        assert "SSL_CERT_FILE, which comes first" in text


@pytest.mark.process
def test_a_certificate_of_another_host_is_said(
    monkeypatch: pytest.MonkeyPatch, certificate: Certificate
) -> None:
    """No variable helps then."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
    with listen(reply_with(build_reply()), context=certificate.context) as port:
        text, _ = explain(f"https://127.0.0.1:{port}/v1")
    assert "mismatch" in text
    assert text.endswith("Correct the host in the URL to one that the certificate is for.")


async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server without TLS, to which what a client with it says is no request."""
    await reader.read(1)
    writer.write(build_reply(b"", status="400 Bad Request"))
    await writer.drain()


def test_a_server_without_tls_is_said() -> None:
    """The URL is at fault."""
    with listen(refuse) as port:
        text, _ = explain(f"https://127.0.0.1:{port}/v1")
    assert "http:// for those without" in text


def test_a_server_without_tls_behind_a_proxy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy, which gave a connection, is not to blame."""
    with listen(refuse) as port, listen(forward) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy}")
        text, _ = explain(f"https://localhost:{port}/v1")
    assert "cannot be reached through the proxy of HTTPS_PROXY" in text
    assert "Start its server, correct the URL" in text


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("user", ["", "me:hunter2@"], ids=["no password", "a wrong password"])
def test_a_proxy_that_wants_a_password_is_said(
    monkeypatch: pytest.MonkeyPatch, scheme: str, user: str
) -> None:
    """On CONNECT, and where it forwards requests."""
    variable = f"{scheme.upper()}_PROXY"
    with listen(reply_with(REFUSED)) as proxy:
        monkeypatch.setenv(variable, f"http://{user}127.0.0.1:{proxy}")
        text, _ = explain(f"{scheme}://far.invalid/v1")
        assert f"the proxy of {variable} (http://127.0.0.1:{proxy})" in text
    want = "refuses its user and password" if user else "wants a user and password"
    assert f"{want} (407" in text
    assert f"Write them into {variable}" in text
    assert "hunter2" not in text
    assert "OPENAI_API_KEY" not in text


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_dead_proxy_is_said(monkeypatch: pytest.MonkeyPatch, dead_port: int, scheme: str) -> None:
    """And not the server, before a run and in one."""
    monkeypatch.setenv("ALL_PROXY", f"http://me:hunter2@127.0.0.1:{dead_port}")
    text, late = explain(f"{scheme}://far.invalid/v1")
    proxy = f"the proxy of ALL_PROXY (http://127.0.0.1:{dead_port})"
    assert f"{proxy} gives no connection" in text
    assert "Correct or unset ALL_PROXY, or name the host of the server in NO_PROXY." in text
    assert "Start its server" not in text
    assert f", through {proxy}" in late
    assert "hunter2" not in text + late


@pytest.mark.parametrize(
    ("scheme", "said"),
    [("http", "(502: Bad Gateway). It was sent through"), ("https", "502 Bad Gateway. Start")],
)
def test_a_proxy_that_does_not_reach_the_server_is_said(
    monkeypatch: pytest.MonkeyPatch, scheme: str, said: str
) -> None:
    """Either may be at fault."""
    monkeypatch.setattr("fakebench_suite.endpoints.client.TEST_ATTEMPTS", 1)
    with listen(reply_with(build_reply(b"", status="502 Bad Gateway"))) as proxy:
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy}")
        text, _ = explain(f"{scheme}://far.invalid/v1")
    assert said in text
    assert "the proxy of ALL_PROXY" in text


def test_a_host_that_proxies_are_not_for_is_asked_itself(
    monkeypatch: pytest.MonkeyPatch, dead_port: int
) -> None:
    """As NO_PROXY says; what goes wrong then is no fault of the proxy."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{dead_port}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with listen(reply_with(build_reply())) as port:
        assert explain(f"http://127.0.0.1:{port}/v1") == ("", "")
    text, late = explain(f"http://127.0.0.1:{port}/v1")
    assert text.endswith("Start its server, or correct the URL.")
    assert "HTTP_PROXY" not in text + late


def test_a_connection_that_takes_too_long_is_no_overload(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server was not asked anything yet."""
    monkeypatch.setattr(transport, "CONNECT_TIMEOUT_S", 0.2)

    async def wait(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1_000_000)

    with listen(wait) as port:  # It does not reply to the greeting of TLS.
        text, _ = explain(f"https://127.0.0.1:{port}/v1")
    assert "cannot be reached: no connection in time" in text


def test_a_reason_that_is_a_sentence_has_one_full_stop() -> None:
    """As that of a server that hangs up has."""

    async def hang_up(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")

    with listen(hang_up) as port:
        text, _ = explain(f"http://127.0.0.1:{port}/v1")
    assert "without sending a response. Start its server" in text


def test_a_request_that_is_not_read_is_said() -> None:
    """Its refusal may have arrived meanwhile."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(build_reply(b"", status="413 Content Too Large"))
        await writer.drain()
        await asyncio.sleep(60)

    async def ask(port: int) -> tuple[str, str]:
        address = parse_address(f"http://127.0.0.1:{port}/v1")
        client = ChatClient(address, timeout=0.5, concurrency=1)
        try:
            await client.post(b" " * (16 << 20))
        except Exception as error:  # As the callers of this do.
            subject = Subject(noun="model", name="tiny", option="--model", address=address)
            return explain_failure(error, subject), describe_failure(error)
        finally:
            await client.close()
        return "", ""

    with listen(refuse) as port:
        early, text = asyncio.run(ask(port))
    assert "16,777,216 bytes" in early
    assert "had not read the whole request of 16,777,216 bytes after 0.5 s" in text


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, BR"])
def test_a_reply_in_an_unknown_encoding_is_said(coding: str) -> None:
    """By its name; with an error status, that says enough."""
    garbage, headers = b"\x0b\x02\x80{}\x03", f"Content-Encoding: {coding}\r\n"
    name = coding.rpartition(" ")[2].lower()
    with listen(reply_with(build_reply(garbage, headers=headers))) as port:
        text, late = explain(f"http://127.0.0.1:{port}/v1")
    assert f"the reply is encoded as '{name}', though identity was asked for. Correct its" in text
    assert late.endswith(f"the reply is encoded as '{name}', though identity was asked for")
    refusal = build_reply(garbage, status="400 Bad Request", headers=headers)
    with listen(reply_with(refusal)) as port:
        text, late = explain(f"http://127.0.0.1:{port}/v1")
    assert "(400: Bad Request)" in text
    assert late == "the server says 400: Bad Request"


@pytest.mark.parametrize("coding", ["gzip", "utf-8", "identity"])
def test_a_reply_in_a_known_encoding_is_read(coding: str) -> None:
    """Also where what is named is no encoding, and the body is as it is."""
    body = gzip.compress(COMPLETION) if coding == "gzip" else COMPLETION
    reply = build_reply(body, headers=f"Content-Encoding: {coding}\r\n")
    with listen(reply_with(reply)) as port:
        assert explain(f"http://127.0.0.1:{port}/v1") == ("", "")


def test_the_innermost_cause_is_found_in_groups() -> None:
    """A group says only how many there are."""
    group = ExceptionGroup("unhandled errors in a TaskGroup", [OverflowError("port must be")])
    assert find_cause(group) == "port must be"
    outer = RuntimeError("outer")
    outer.__cause__ = group
    assert find_cause(outer) == "port must be"
    assert describe_failure(group) == "OverflowError: port must be"
    assert find_cause(ValueError()) == "ValueError"
