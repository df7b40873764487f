"""``[endpoint]`` of a card: the server that answers chat completions, and how it is asked."""

import math
import re
from typing import Annotated, Any, Literal

import msgspec

from fakebench_suite.endpoints.headers import mask_headers
from fakebench_suite.endpoints.names import describe_url_fault, mask_url
from fakebench_suite.text.redaction import mask_values

Price = Annotated[float, msgspec.Meta(ge=0)]

_HEADER_NAME = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
_HEADER_VALUE = re.compile(r"(?:[!-~](?:[\t -~]*[!-~])?)?")
"""As RFC 9110 has them, without the characters beyond ASCII that it calls obsolete."""
RESERVED_FIELDS = frozenset({
    "model", "messages", "temperature", "seed", "max_tokens", "max_completion_tokens", "logprobs",
    "top_logprobs", "stream", "stream_options", "n",
})  # fmt: skip
"""Fields of a request that the suite sets, or that change what a reply is."""
_NO_INFLUENCE = ("key_env", "prices", "concurrency", "timeout", "stream")
"""Settings that no answer depends on."""


class Prices(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Prices per million tokens, in a currency of the user's choice."""

    input: Price
    output: Price
    """Of the tokens of a reply, those of its reasoning among them."""
    cached: Price | None = None
    """Of the prompt's tokens that the server had computed before; without it, as ``input``."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            price = getattr(self, name)
            if price is not None and not math.isfinite(price):
                raise ValueError(f"{name} is {price}; a price is a finite number")


class EndpointOptions(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Where a server is that answers chat completions, and how it is asked."""

    url: str
    """The base URL; that of most servers ends in ``/v1``."""
    model: str
    """The model, by the server's name."""
    key_env: str = "OPENAI_API_KEY"
    """Environment variable of the key; or with ``_FILE`` behind it, of the name of its file."""
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    """Sent with every request."""
    extra_body: dict[str, Any] = msgspec.field(default_factory=dict)
    """Fields of every request beside those that the suite sets."""
    detail: Literal["auto", "low", "high"] | None = None
    """How closely an image is looked at; without it, the server decides."""
    image_format: Literal["png", "jpeg"] = "png"
    """PNG keeps every pixel. JPEG changes them, as a treatment does."""
    jpeg_quality: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = None
    seed: int = 0
    prices: Prices | None = None
    concurrency: Annotated[int, msgspec.Meta(ge=1)] = 32
    """Most requests in flight, over all processes of a run."""
    timeout: Annotated[float, msgspec.Meta(gt=0)] = 120.0
    """Seconds for a whole request."""
    stream: bool = False
    """Whether replies arrive in pieces, so that the time to the first token is known."""

    def __post_init__(self) -> None:
        if not self.model:
            raise ValueError("model in [endpoint] is empty")
        if not self.url.lower().startswith(("http://", "https://")):
            raise ValueError("url in [endpoint] does not begin with http:// or https://")
        if why := describe_url_fault(self.url):
            raise ValueError(f"url in [endpoint] {why}")
        if (self.jpeg_quality is not None) != (self.image_format == "jpeg"):
            raise ValueError('jpeg_quality and image_format = "jpeg" go together')
        for name, value in self.headers.items():
            if not (_HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value)):
                raise ValueError(
                    f"headers in [endpoint] has {name!r}, which is no header: a name has letters, "
                    "digits and hyphens, and a value printable ASCII characters on one line"
                )
        reserved = RESERVED_FIELDS & self.extra_body.keys()
        if reserved:
            raise ValueError(
                f"extra_body sets {', '.join(sorted(reserved))}, which the suite sets itself"
            )

    def describe(self, *, identity: bool = False) -> dict[str, Any]:
        """The settings as JSON, without secrets.

        With ``identity``, without those that no answer depends on, and with different masks for
        different values: what has a secret's name, such as ``stop_token``, may be none.
        """
        described: dict[str, Any] = msgspec.to_builtins(self)
        described["url"] = mask_url(self.url)
        described["headers"] = mask_headers(self.headers, distinct=identity)
        described["extra_body"] = mask_values(described["extra_body"], distinct=identity)
        if identity:
            for name in _NO_INFLUENCE:
                del described[name]
        return described
