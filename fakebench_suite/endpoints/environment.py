"""The proxies and the certificates that the environment names, checked before anything is sent."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.request import getproxies

import httpx2

from fakebench_suite.endpoints.names import describe_url_fault
from fakebench_suite.errors import UserError
from fakebench_suite.text.redaction import find_secrets

_KINDS = ("http", "https", "all")
"""The schemes of URLs for which a variable may name a proxy, as HTTP_PROXY does."""
_SCHEMES = frozenset({"http", "https", "socks5", "socks5h"})
"""Of the URL of a proxy, as httpx2 takes them."""
_MAX_PORT = 65_535
FILE_VARIABLE, DIRECTORY_VARIABLE = "SSL_CERT_FILE", "SSL_CERT_DIR"
"""What OpenSSL reads; both count."""
BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""What other clients read: the first that is set counts, where neither of OpenSSL's is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A proxy that the environment names."""

    variable: str
    """Such as ``HTTPS_PROXY``, as it is spelled there."""
    name: str
    """Its scheme, host and port, without user and password."""
    has_password: bool

    @property
    def shown(self) -> str:
        """What messages call it."""
        return f"the proxy of {self.variable} ({self.name})"


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificatePlace:
    """A file or a directory of certificates, and the variable that names it."""

    variable: str
    path: str

    def __str__(self) -> str:
        return f"{self.variable}={self.path}"


def find_proxy(scheme: str) -> Proxy | None:
    """Return the proxy of URLs with this scheme, wherever NO_PROXY does not except their host."""
    given = getproxies()
    for kind in (scheme, "all"):
        if given.get(kind):
            url = httpx2.URL(_complete(given[kind]))
            return Proxy(
                variable=_find_variable(kind, given[kind]),
                name=f"{url.scheme}://{url.netloc.decode('ascii')}",
                has_password=bool(url.userinfo),
            )
    return None


def list_proxy_secrets() -> Iterator[str]:
    """Yield the users and passwords in the URLs of proxies, which a proxy may repeat."""
    given = getproxies()
    for kind in _KINDS:
        yield from find_secrets(_complete(given.get(kind, "")))


def check_proxies() -> None:
    """Raise UserError, without its value, for a variable that names no proxy."""
    given = getproxies()
    if "*" in (host.strip() for host in given.get("no", "").split(",")):
        return  # No proxy is used for any host.
    for kind in _KINDS:
        if not given.get(kind):
            continue
        variable = _find_variable(kind, given[kind])
        if why := _describe_fault(_complete(given[kind])):
            raise UserError(f"{variable} {why}, or unset it.")


def _describe_fault(proxy: str) -> str | None:
    """What is wrong with the URL of a proxy, without any of it; None if it is valid."""
    malformed = (
        "is not the URL of a proxy. Write http://HOST:PORT or http://USER:PASSWORD@HOST:PORT, "
        "with %2F for a slash, %23 for #, %3F for ? and %40 for @ in user and password"
    )
    try:
        url = httpx2.URL(proxy)
    except httpx2.InvalidURL:
        return malformed
    if b"@" in url.raw_path or "@" in url.fragment:  # Behind a slash, a password is a path.
        return malformed
    if url.scheme not in _SCHEMES:
        return (
            "names a proxy of another kind than http://, https://, socks5:// and socks5h://. Name "
            "one of these"
        )
    if url.port is not None and not 0 < url.port <= _MAX_PORT:
        return f"names a proxy at a port that there is not. Give one from 1 to {_MAX_PORT}"
    return malformed if describe_url_fault(proxy) else None


@contextmanager
def explain_proxies() -> Iterator[None]:
    """Raise UserError for proxies of the environment with which no client can be made."""
    check_proxies()
    try:
        yield
    except ImportError as error:
        raise UserError(
            "The environment names a SOCKS proxy, for which the package socksio is missing. "
            "Install it with pip install socksio, or name an HTTP proxy in ALL_PROXY, HTTPS_PROXY "
            "and HTTP_PROXY."
        ) from error
    except (httpx2.InvalidURL, ValueError):
        # Without the cause: its message may hold a part of a password.
        raise UserError(
            "The environment names a proxy that cannot be used. Correct HTTP_PROXY, HTTPS_PROXY, "
            "ALL_PROXY and NO_PROXY, or unset them."
        ) from None


def find_certificates() -> tuple[CertificatePlace, ...]:
    """Return the places whose certificates are trusted in place of the system's; empty if none."""
    for variables in ((FILE_VARIABLE, DIRECTORY_VARIABLE), *((name,) for name in BUNDLE_VARIABLES)):
        places = tuple(
            CertificatePlace(variable=variable, path=os.environ[variable])
            for variable in variables
            if os.environ.get(variable)
        )
        if places:
            return places
    return ()


def load_certificates() -> ssl.SSLContext:
    """Return the context that verifies servers; raises UserError where a place cannot be read."""
    return _load_certificates(find_certificates())


@cache
def _load_certificates(places: tuple[CertificatePlace, ...]) -> ssl.SSLContext:
    """The context of these places, which takes up to a tenth of a second to make."""
    if not places:
        return httpx2.create_ssl_context()
    context: ssl.SSLContext | None = None
    for place in places:
        try:
            if place.variable == DIRECTORY_VARIABLE or Path(place.path).is_dir():
                _check_directory(place.path)
                file, directory = None, place.path
            else:
                file, directory = place.path, None
            if context is None:  # With neither, it would trust the system's, too.
                context = ssl.create_default_context(cafile=file, capath=directory)
            else:
                context.load_verify_locations(cafile=file, capath=directory)
        except (OSError, ValueError) as error:  # An SSLError, as of a file of another kind, is one.
            why = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise UserError(
                f"The certificates of {place} cannot be read: {why}. Name a file in PEM format, or "
                "unset the variable."
            ) from error
    assert context is not None
    return context


def _check_directory(path: str) -> None:
    """Raise an OSError for directories of which none is there; OpenSSL would say nothing."""
    if not any(Path(part).is_dir() for part in path.split(os.pathsep)):
        raise NotADirectoryError(0, "there is no such directory")


def _complete(proxy: str) -> str:
    """The URL of a proxy, which may lack its scheme."""
    return proxy if "://" in proxy else f"http://{proxy}"


def _find_variable(kind: str, value: str) -> str:
    """The variable that names a proxy, the lower-case one first, as it comes first for Python."""
    names = [name for name, given in os.environ.items() if given == value]
    spelled = sorted((n for n in names if n.lower() == f"{kind}_proxy"), reverse=True)
    return spelled[0] if spelled else "the settings of this system"
