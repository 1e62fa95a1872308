"""Connections to hosts that somebody named in the browser: checked, and made to the very address that was checked.

A name may lead to one address when it is asked about and to another when it is connected to. So the name is resolved
once, each of its addresses is judged, and the socket goes to one of those.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence

from core.errors import Blocked

# The rest of 192.0.0.0/24 and what a NAT64 gateway would lead back into a private network.
_NEVER = (ipaddress.ip_network("192.0.0.0/24"), ipaddress.ip_network("64:ff9b::/96"))
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def connect(host: str, port: int, timeout: float, allowed: Sequence[str] = ()) -> socket.socket:
    """A TCP connection to ``host``.

    Args:
        host: a name or an address.
        port: its TCP port.
        timeout: seconds for connecting, and afterwards for each word.
        allowed: names and networks of one's own that may be connected to.

    Raises:
        Blocked: the host lies in a network that is not open to the world.
        OSError: it cannot be reached.
    """
    failure: OSError | None = None
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for *_kind, target in found:
        refuse(host, str(target[0]), allowed)
    for family, kind, protocol, _name, target in found:
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(timeout)
            connection.connect(target)
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure or OSError(f"{host} has no address.")


def refuse(host: str, address: str, allowed: Sequence[str] = ()) -> None:
    """Refuse an address that is not open to the world, unless it or its name is ``allowed``.

    Raises:
        Blocked: it is private, of this machine, link-local (where clouds keep their keys), or reserved.
    """
    parsed: Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        parsed = parsed.ipv4_mapped or parsed.sixtofour or parsed
    if parsed.is_global and not parsed.is_multicast and not any(parsed in network for network in _NEVER):
        return
    if host.lower() in allowed or any(_within(parsed, network) for network in allowed):
        return
    raise Blocked(f"{host[:80]} leads into a private network; name it in PEYVAND_PRIVATE_HOSTS to allow it.")


def is_refused(host: str, allowed: Sequence[str] = ()) -> bool:
    """Whether ``host`` can be told to be refused without asking for its addresses."""
    address = "127.0.0.1" if host.lower().rstrip(".") == "localhost" else host.strip("[]")
    try:
        refuse(host, address, allowed)
    except Blocked:
        return True
    except ValueError:  # a name, which is judged when it is connected to
        return False
    return False


def _within(address: Address, network: str) -> bool:
    try:
        return address in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
