"""At most so many requests and tokens in any minute."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

WINDOW_S = 60.0
FIRST_TOKENS = 2000.0
"""Tokens that a request is expected to take before any has been answered: an image of a thousand
tokens or more, a question, and a reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLimits:
    """How fast, and for how long, prompts may be asked; None for no limit."""

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    """Of prompts and replies."""
    prompt_seconds: float | None = None
    """How long a single prompt may take, its retries included."""

    def share(self, processes: int) -> "RequestLimits":
        """What each of several processes may do."""
        requests, tokens = self.requests_per_minute, self.tokens_per_minute
        return replace(
            self,
            requests_per_minute=None if requests is None else requests / processes,
            tokens_per_minute=None if tokens is None else tokens / processes,
        )


NO_LIMITS = RequestLimits()


@dataclass(slots=True)
class SentRequest:
    """A request that was sent, and the tokens that it took or is expected to take."""

    time: float
    tokens: float
    counted: bool = True
    """Whether it belongs to the last minute."""


class Pace:
    """Requests and tokens of the last minute, against limits of both; None for no limit.

    Servers count in windows of their own, so that no minute, wherever it begins, may hold more.
    """

    def __init__(self, requests: float | None, tokens: float | None) -> None:
        self._requests, self._tokens = requests, tokens
        self._window = WINDOW_S if requests is None else WINDOW_S * max(1.0, 1 / requests)
        """A share below one request a minute is one in several minutes."""
        self._sent: deque[SentRequest] = deque()
        self._total = 0.0
        """The tokens of these."""
        self._answered, self._taken = 0, 0.0

    @property
    def expected_tokens(self) -> float:
        """What a request takes: the mean of those before it."""
        return self._taken / self._answered if self._answered else FIRST_TOKENS

    def compute_wait(self, now: float) -> float:
        """Seconds until one more request may be sent; 0 if it may be sent now."""
        while self._sent and self._sent[0].time <= now - self._window:
            old = self._sent.popleft()
            old.counted = False
            self._total -= old.tokens
        last: SentRequest | None = None
        """The request that has to be a minute old."""
        if self._requests is not None:
            surplus = len(self._sent) + 1 - max(1, int(self._requests))
            last = self._sent[surplus - 1] if surplus > 0 else None
        if self._tokens is not None:
            surplus_tokens = self._total + self.expected_tokens - self._tokens
            for request in self._sent:
                if surplus_tokens <= 0:
                    break
                surplus_tokens -= request.tokens
                last = request if last is None or request.time > last.time else last
        return 0.0 if last is None else last.time + self._window - now

    def note_sent(self, now: float) -> SentRequest:
        """Count a request that is sent now."""
        request = SentRequest(now, self.expected_tokens)
        if self._requests is not None or self._tokens is not None:
            self._sent.append(request)
            self._total += request.tokens
        return request

    def note_earlier(self, time: float, tokens: float) -> None:
        """Count a request of another client, in the order of their times.

        Others are not expected to take as much.
        """
        if self._requests is not None or self._tokens is not None:
            self._sent.append(SentRequest(time, tokens))
            self._total += tokens

    def list_sent(self) -> Sequence[SentRequest]:
        """The requests that are counted; none where there is no limit."""
        return tuple(self._sent)

    def note_tokens(self, request: SentRequest, tokens: float) -> None:
        """Count what a request really took."""
        if request.counted:
            self._total += tokens - request.tokens
        request.tokens = tokens
        self._answered, self._taken = self._answered + 1, self._taken + tokens
