"""Why there is no connection to a server, and what to do about it."""

import ssl
from collections.abc import Iterator

import httpx2
import openai

from fakebench_suite.endpoints.environment import (
    BUNDLE_VARIABLES,
    DIRECTORY_VARIABLE,
    FILE_VARIABLE,
    CertificatePlace,
    Proxy,
    find_certificates,
)
from fakebench_suite.endpoints.transport import find_request_proxy

_WRONG_NAME = frozenset({62, 64})
"""OpenSSL's codes for a certificate of another host name or IP address."""
AUTHENTICATION_REQUIRED = "407"
"""The status with which a proxy asks for a user and password."""


def list_causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes, down to the innermost; of a group, the first one's."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]
        else:
            yield cause
            cause = cause.__cause__ or cause.__context__


def find_cause(error: BaseException) -> str:
    """Return the message of the innermost cause of a connection error."""
    words = ""
    for cause in list_causes(error):
        words = str(cause).strip() or words
    return words or type(error).__name__


def find_proxy_of(error: openai.APIError) -> Proxy | None:
    """Return the proxy that the request of an error was sent through; None if none was."""
    return find_request_proxy(error.request)


def describe_cause(error: openai.APIConnectionError) -> str:
    """Return why a request had no reply, with the proxy if it was sent through one."""
    proxy = find_proxy_of(error)
    by = "" if proxy is None else f", through {proxy.shown}"
    return f"{find_cause(error)}{by}"


def explain_connection(error: openai.APIConnectionError, shown: str, *, why: str) -> str:
    """Return why the server of what is ``shown`` cannot be reached, and what to do.

    ``why`` is the innermost cause in words that may be shown.
    """
    causes, proxy = list(list_causes(error)), find_proxy_of(error)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _explain_certificate(cause, shown, proxy)
    if proxy is None and any(isinstance(cause, ssl.SSLError) for cause in causes):
        return (
            f"The {shown} cannot be reached: {why}. Correct the URL: https:// is for servers with "
            "TLS, and http:// for those without."
        )
    if proxy is not None:
        return _explain_proxy(causes, shown, proxy, why=why)
    return f"The {shown} cannot be reached: {why}. Start its server, or correct the URL."


def explain_refused_proxy(proxy: Proxy, shown: str, *, why: str) -> str:
    """Return what to do where a proxy asks for another user and password, or for any."""
    want = "refuses its user and password" if proxy.has_password else "wants a user and password"
    return (
        f"The {shown} cannot be reached: {proxy.shown} {want} ({why}). Write them into "
        f"{proxy.variable}, as in http://USER:PASSWORD@HOST:PORT."
    )


def _explain_certificate(
    error: ssl.SSLCertVerificationError, shown: str, proxy: Proxy | None
) -> str:
    """Return why a certificate was refused: it is another host's, or nobody vouches for it."""
    why = getattr(error, "verify_message", "") or str(error)
    begin = f"The certificate of the {shown} cannot be verified: {why}."
    if getattr(error, "verify_code", None) in _WRONG_NAME:
        with_tls = proxy is not None and proxy.name.startswith("https:")
        or_proxy = f" or in {proxy.variable}" if proxy is not None and with_tls else ""
        return f"{begin} Correct the host in the URL{or_proxy} to one that the certificate is for."
    by = "" if proxy is None else f"{proxy.shown} or "
    return f"{begin} {_advise_on_certificates(find_certificates(), by=by)}"


def _advise_on_certificates(places: tuple[CertificatePlace, ...], *, by: str) -> str:
    """Return which variable has to name another certificate than now."""
    if not places:
        return (
            f"If {by}the server has a certificate of an authority of your own, name the file with "
            f"the authority's certificate in {FILE_VARIABLE}."
        )
    given = " and ".join(map(str, places))
    names = {place.variable for place in places}
    more = ""
    if names == {DIRECTORY_VARIABLE}:
        more = " (openssl rehash gives the files of a directory the names that are looked for)"
    elif names & set(BUNDLE_VARIABLES):
        more = f", or name its file in {FILE_VARIABLE}, which comes first"
    return f"Only certificates of {given} are trusted: add that of its authority there{more}."


def _explain_proxy(causes: list[BaseException], shown: str, proxy: Proxy, *, why: str) -> str:
    """Return why a proxy cannot be reached, or gives no connection."""
    refused = next((cause for cause in causes if isinstance(cause, httpx2.ProxyError)), None)
    if refused is not None and str(refused).startswith(AUTHENTICATION_REQUIRED):
        return explain_refused_proxy(proxy, shown, why=why)
    is_tls = any(isinstance(cause, ssl.SSLError) for cause in causes)  # behind the proxy
    dead = not is_tls and any(
        isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout) for cause in causes
    )
    if refused is None and dead:
        return (
            f"The {shown} cannot be reached: {proxy.shown} gives no connection: {why}. Correct or "
            f"unset {proxy.variable}, or name the host of the server in NO_PROXY."
        )
    return (
        f"The {shown} cannot be reached through {proxy.shown}: {why}. Start its server, correct "
        f"the URL or {proxy.variable}, or name the host of the server in NO_PROXY."
    )
