"""From a card to a model behind a URL."""

from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import msgspec

from fakebench_suite.backends.cards import Card
from fakebench_suite.backends.openai.bodies import ServerFeatures
from fakebench_suite.backends.openai.check import check_usage, find_features
from fakebench_suite.backends.openai.model import EndpointBackend
from fakebench_suite.backends.openai.options import EndpointOptions
from fakebench_suite.backends.registry import LoadOptions
from fakebench_suite.endpoints.address import Address, parse_address
from fakebench_suite.endpoints.event_loops import run_coroutine
from fakebench_suite.errors import CardError


@contextmanager
def load(card: Card, options: LoadOptions) -> Generator[EndpointBackend, None, None]:
    """The model of a card, whose connections are open while the block runs.

    Raises UserError where the server cannot be asked what is wanted, or as the budget needs it.
    """
    endpoint = _get_endpoint(card)
    known = options.features
    features = msgspec.convert(
        send_test_request(card, options) if known is None else known, type=ServerFeatures
    )
    address = _find_address(endpoint)
    share = max(1, endpoint.concurrency // options.workers)
    backend = EndpointBackend(card, address, features, concurrency=share, limits=options.limits)
    with closing(backend):
        yield backend


def send_test_request(card: Card, options: LoadOptions) -> Mapping[str, Any]:
    """What the server of a card takes; raises UserError where it cannot be asked.

    Also where a budget could not be kept, for its replies do not say what they took.
    """
    endpoint = _get_endpoint(card)
    address = _find_address(endpoint)
    features = run_coroutine(find_features(card, address, options.wants, options.limits))
    if options.budget is not None:
        check_usage(card, address, features, options.budget)
    described: Mapping[str, Any] = msgspec.to_builtins(features)
    return described


def _find_address(endpoint: EndpointOptions) -> Address:
    return parse_address(
        endpoint.url,
        key_variable=endpoint.key_env,
        headers=endpoint.headers,
        extra_body=endpoint.extra_body,
    )


def _get_endpoint(card: Card) -> EndpointOptions:
    if card.endpoint is None:
        raise CardError(f"The card {card.name!r} has no [endpoint], which its backend needs.")
    return card.endpoint
