"""Who may use the console: whoever has the token, under a name that no stranger's page can have.

A page of a stranger may send requests to loopback, or have its own name resolved to it (DNS rebinding). It has neither
the token nor, therefore, the cookie; and what it sends carries a Host or Origin that is refused.
"""

from __future__ import annotations

import hmac
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie

Headers = Mapping[str, str]
_BEARER = "Bearer "


@dataclass(frozen=True)
class Access:
    """What a request must carry.

    Attributes:
        host: Address that is listened to.
        port: Its port; cookies of two consoles on one machine differ by it.
        token: The secret.
    """

    host: str
    port: int
    token: str

    @property
    def cookie(self) -> str:
        """Name of the cookie that holds the token."""
        return f"embodied_kit_console_{self.port}"

    def url(self) -> str:
        """Address of the page with the token in its fragment, which no browser sends anywhere."""
        name = socket.gethostname() if _address(self.host) in {"0.0.0.0", "::"} else self.host  # noqa: S104  # compared
        return f"http://{f'[{name}]' if ':' in name else name}:{self.port}/#token={self.token}"

    def set_cookie(self) -> str:
        """Value of Set-Cookie."""
        return f"{self.cookie}={self.token}; Path=/; HttpOnly; SameSite=Strict"

    def known_place(self, headers: Headers) -> bool:
        """Whether Host is ours, and Origin, where there is one, is that Host."""
        host, origin = headers.get("host", ""), headers.get("origin")
        return self._is_ours(_name(host)) and origin in {None, f"http://{host}"}

    def has_token(self, headers: Headers) -> bool:
        """Whether the token comes with it, as a cookie or as `Authorization: Bearer`."""
        given = headers.get("authorization", "")
        said = given.removeprefix(_BEARER) if given.startswith(_BEARER) else self._cookie_of(headers)
        return hmac.compare_digest(said.encode(), self.token.encode())

    def _cookie_of(self, headers: Headers) -> str:
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self.cookie)
        except CookieError:
            return ""
        return found.value if found else ""

    def _is_ours(self, name: str) -> bool:
        """A stranger's name cannot be an address; where only loopback is listened to, no other name is ours either."""
        if name == "localhost" or is_loopback(name):
            return True
        if is_loopback(self.host) or self.host == "localhost":
            return False
        machine = socket.gethostname().lower()
        return _address(name) is not None or name in {self.host.lower(), machine, f"{machine}.local"}


def _name(host: str) -> str:
    """Name of a Host header, without port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


def _address(name: str) -> str | None:
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return None


def is_loopback(name: str) -> bool:
    """Whether it is an address of this machine that no network carries."""
    return _address(name) is not None and ipaddress.ip_address(name).is_loopback
