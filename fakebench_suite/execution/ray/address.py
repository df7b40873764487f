"""The address of a Ray cluster: how it is written, and whether a Ray listens there.

Needs no Ray, so that a wrong address is met before anything is loaded or drawn.
"""

import os
import re
import socket

from fakebench_suite.errors import UserError

AUTO = "auto"
"""The Ray that runs on this machine."""
_FORM = re.compile(r"(?:[^\s:/\[\]]+|\[[0-9a-fA-F:.]+\]):([0-9]{1,5})")
"""HOST:PORT, with brackets about an IPv6 host."""
_PORTS = range(1, 2**16)
_PATIENCE = 10.0
"""Seconds for a first sign of life."""
_SETTINGS = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""An empty settings frame of HTTP/2, which both sides of a gRPC connection begin with."""
_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _SETTINGS


def check_address(address: str) -> None:
    """Raise UserError where this is no address."""
    written = _FORM.fullmatch(address)
    if address != AUTO and (written is None or int(written[1]) not in _PORTS):
        raise UserError(
            f"The cluster's address is {address!r}; it must be HOST:PORT as 'ray start --head' "
            f"prints it, with a port of {_PORTS[0]} to {_PORTS[-1]}, or {AUTO}. Give it to "
            "--ray-address, or set RAY_ADDRESS."
        )


def probe(address: str) -> None:
    """Raise UserError where no Ray listens at HOST:PORT: Ray would go on trying for minutes.

    Where :data:`AUTO` points to, only Ray knows.
    """
    if address == AUTO:
        return
    host, _, port = address.rpartition(":")
    # A cluster that encrypts wants a key before it says anything.
    encrypted = os.environ.get("RAY_USE_TLS", "0") != "0"
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _PATIENCE) as connection:
            if not encrypted:
                connection.sendall(_HELLO)
                if connection.recv(len(_SETTINGS))[3:4] != _SETTINGS[3:4]:
                    raise OSError("what listens there is no Ray")
    except (OSError, UnicodeError) as error:
        raise UserError(
            f"There is no Ray at {address}: {error}. Start one with 'ray start --head' here, which "
            "prints its HOST:PORT, and with 'ray start --address=HOST:PORT' on the other nodes."
        ) from error
