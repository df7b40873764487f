"""Which failed requests are sent again, and after how long."""

import random
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto

import httpx2
import openai

from fakebench_suite.endpoints.completion import MalformedReplyError
from fakebench_suite.endpoints.content_filters import names_refusal
from fakebench_suite.endpoints.error_bodies import list_bodies, list_messages, read_body
from fakebench_suite.endpoints.parameters import refuses_key


class FailureKind(Enum):
    """Why there was no answer, as far as it decides how often a request is sent in all."""

    OVERLOAD = auto()
    """The server says that there are too many requests."""
    OUTAGE = auto()
    """The server or the connection fails: with the waits between them, for about a minute."""
    UNUSABLE = auto()
    """There was no reply in time, or one that is no completion."""
    LASTING = auto()
    """The same request would fail again."""
    ACCOUNT = auto()
    """Every request would fail: the key is refused, or what it may spend is spent."""


MAX_ATTEMPTS = {
    FailureKind.OVERLOAD: 10**9,
    FailureKind.OUTAGE: 8,
    FailureKind.UNUSABLE: 3,
    FailureKind.LASTING: 1,
    FailureKind.ACCOUNT: 1,
}
"""Requests for one reply, by the kind of their failures; overloads are limited by time."""
MAX_OVERLOADED_S = 600.0
"""Seconds after the first overload from which on no other request is sent for a prompt."""
HINTS_TRUSTED = 4
"""Overloads in a row after which a wait is not shorter than it would be without a hint."""
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 32.0
"""The wait before the second request, which doubles with each further one, up to the longest."""
MAX_HINT_S = 120.0
"""Longest wait that a server may ask for; the official client has the same."""
_TOO_MANY_REQUESTS, _UNAVAILABLE, _OVERLOADED = 429, 503, 529
_RETRIED = frozenset({408, 409, 425, _TOO_MANY_REQUESTS})
"""Statuses below 500 after which a request is sent again."""
_UNAUTHORIZED, _PAYMENT_REQUIRED = 401, 402
_OUT_OF_TOKENS = "output limit was reached"
"""Words of OpenAI where a reasoning model used the limit up before its reply."""
_OVERLOADS = frozenset({"overloaded_error", "rate_limit_error", "rate_limit_exceeded"})
"""Codes and types of an overload, where no status tells, as in a stream of Anthropic's."""
_SPENT = frozenset({
    "insufficient_quota", "billing_hard_limit_reached", "billing_not_active",  # OpenAI
    "exceeded_current_quota_error", "Arrearage", "1113",  # Kimi, Alibaba, Zhipu
    "budget_exceeded",  # LiteLLM
})  # fmt: skip
"""Codes of an account that may spend no more, which no wait changes."""
_SPENT_SENTENCES = re.compile(
    r"""credit\ balance\ is\ too\ low | reached\ your\ specified\ API\ usage\ limits
    | used\ all\ available\ credits | key\ limit\ exceeded\ \(
    | budget\ has\ been\ exceeded! | ExceededBudget: | insufficient\ balance""",
    re.IGNORECASE | re.VERBOSE,
)
"""Words of Anthropic, whose code is that of any bad request, of xAI and OpenRouter, whose status is
that of a refusal, of LiteLLM, and of several makers. A limit of one prompt or of a minute may be
exceeded in almost the same words."""
_SPENT_STATUSES = frozenset({400, 403, _TOO_MANY_REQUESTS, None})
"""Statuses of errors with such words, beside 402; None for one in a reply of status 200."""
_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>ms|us|µs|s|m|h|d)")
_SECONDS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_STATUS = re.compile(r"[45]\d\d", re.ASCII)
_LIMITS = (
    ("x-ratelimit-remaining-{}", "x-ratelimit-reset-{}", ("requests", "tokens")),
    (
        "anthropic-ratelimit-{}-remaining",
        "anthropic-ratelimit-{}-reset",
        ("requests", "tokens", "input-tokens", "output-tokens"),
    ),
)
"""Headers with what is left of a limit and when it is whole again, and the limits there are."""


def find_status(error: Exception) -> int | None:
    """Return the status of an error, also of one in a reply of status 200; None without any."""
    if isinstance(error, openai.APIStatusError):
        return error.status_code
    code = error.error.get("code") if isinstance(error, MalformedReplyError) and error.error else 0
    if isinstance(code, str) and _STATUS.fullmatch(code):  # as LiteLLM's
        code = int(code)
    return code if isinstance(code, int) and code >= 400 else None


def list_codes(error: Exception) -> Iterable[str]:
    """Yield the code and the type of an error, as far as its body has them."""
    for body in _list_bodies(error):
        yield from (str(body[name]) for name in ("code", "type") if name in body)


def _list_bodies(error: Exception) -> Iterable[Mapping[str, object]]:
    """Return the objects that may describe an error, the outermost first."""
    if isinstance(error, openai.APIStatusError):
        return list_bodies(read_body(error))
    return list_bodies(error.error if isinstance(error, MalformedReplyError) else None)


def is_refusal(error: Exception) -> bool:
    """Whether an error says, by its code, that the server does not want to answer this prompt."""
    return names_refusal(find_status(error), list_codes(error), _list_bodies(error))


def is_out_of_tokens(error: Exception) -> bool:
    """Whether an error says that the model was asked, and came to the limit before its reply.

    A prompt that it quotes says nothing of this.
    """
    messages = list_messages(_list_bodies(error))
    return isinstance(error, openai.BadRequestError) and any(
        _OUT_OF_TOKENS in message for message in messages
    )


def is_spent(error: Exception) -> bool:
    """Whether an error says that the account may spend no more.

    A code says so whatever the status, words with 400, 403 and 429, and where there is no status.
    """
    if find_status(error) == _PAYMENT_REQUIRED or _SPENT & set(list_codes(error)):
        return True
    messages = list_messages(_list_bodies(error))
    return find_status(error) in _SPENT_STATUSES and any(map(_SPENT_SENTENCES.search, messages))


def _refuses_key(error: Exception) -> bool:
    if isinstance(error, openai.APIStatusError):
        return refuses_key(error)
    return find_status(error) == _UNAUTHORIZED


def is_overload(error: Exception) -> bool:
    """Whether an error says that there are too many requests, and not that nothing is left."""
    if is_spent(error):
        return False
    status = find_status(error)
    if status is None:
        return bool(_OVERLOADS & set(list_codes(error)))
    return status in (_TOO_MANY_REQUESTS, _OVERLOADED) or (
        status == _UNAVAILABLE and find_hint(error) is not None
    )


def classify(error: Exception) -> FailureKind:
    """Return the kind of a failure."""
    if is_overload(error):
        return FailureKind.OVERLOAD
    if is_spent(error) or _refuses_key(error):
        return FailureKind.ACCOUNT
    if not is_retried(error):
        return FailureKind.LASTING
    connects = isinstance(error.__cause__, httpx2.ConnectTimeout)
    unusable = isinstance(error, openai.APITimeoutError | MalformedReplyError) and not connects
    return FailureKind.UNUSABLE if unusable else FailureKind.OUTAGE


def is_retried(error: Exception) -> bool:
    """Whether the same request may succeed later: after 408, 409, 425, 429 and from 500 on.

    So may one that had no reply, or a reply that is no completion.
    """
    if is_spent(error):
        return False
    status = find_status(error)
    if status is None:
        return isinstance(error, openai.APIConnectionError | MalformedReplyError)
    advice = isinstance(error, openai.APIStatusError) and error.response.headers.get(
        "x-should-retry"
    )
    return (status in _RETRIED or status >= 500) and advice != "false"


def compute_wait(attempts: int) -> float:
    """Return the seconds to wait after so many attempts: doubled each time, at random from half."""
    longest = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** (attempts - 1))
    return longest * random.uniform(0.5, 1.0)


def find_hint(error: Exception) -> float | None:
    """Return the seconds that the server asks to wait, at most MAX_HINT_S; None if it does not."""
    if not isinstance(error, openai.APIStatusError):
        return None
    seconds = parse_wait(error.response.headers, now=datetime.now(UTC))
    return None if seconds is None else min(MAX_HINT_S, max(0.0, seconds))


def parse_wait(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Return the seconds to wait by the headers of a reply; None where none says so.

    ``retry-after-ms`` and ``retry-after`` come first. Of limits, those count of which nothing is
    left; where no limit says what is left, all do.
    """
    try:
        return float(headers["retry-after-ms"]) / 1000
    except (KeyError, ValueError):
        pass
    if "retry-after" in headers:
        wait = parse_time(headers["retry-after"], now=now)
        if wait is not None:
            return wait
    resets: list[float] = []
    used_up: list[float] = []
    for remaining, reset, names in _LIMITS:
        for name in names:
            seconds = parse_time(headers.get(reset.format(name), ""), now=now)
            if seconds is not None:
                resets.append(seconds)
                if headers.get(remaining.format(name)) == "0":
                    used_up.append(seconds)
    return max(used_up or resets, default=None)


def parse_time(text: str, *, now: datetime) -> float | None:
    """Return the seconds until a time: ``12``, ``1m30.5s``, ``20ms``, a date by RFC 3339 or HTTP.

    None where the text is none of these.
    """
    text = text.strip()
    try:
        return float(text) if text else None
    except ValueError:
        pass
    parts = list(_DURATION.finditer(text))
    if parts and "".join(part[0] for part in parts) == text:
        return sum(float(part["number"]) * _SECONDS[part["unit"]] for part in parts)
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = parse(text)
        except (ValueError, OverflowError):  # A year or a time zone may have any number of digits.
            continue
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return (moment - now).total_seconds()
    return None
