"""The operator console: one page in a browser that shows a Recorder and sends it commands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from embodied_kit.errors import MissingExtraError
from embodied_recorders.console.wire import Asked
from embodied_recorders.loop.control import Recorder

__all__ = ["Asked", "serve"]
_NOTHING = Asked()
_EXTRA = frozenset({"anyio", "starlette", "uvicorn", "websockets"})


@contextmanager
def serve(
    recorder: Recorder, *, host: str = "127.0.0.1", port: int = 0, token: str = "", asked: Asked = _NOTHING
) -> Iterator[str]:
    """Serve the page from a thread until the block ends.

    Args:
        recorder: What is shown and commanded.
        host: Address to listen to; anything but loopback lets other machines in that know the token.
        port: 0 takes a free one.
        token: Who has it may command; empty makes a new one. A page reconnects by itself to a later server that has the
            same port and token.
        asked: What the page asks of whoever operates.

    Yields:
        The address to open, with the token in its fragment.

    Raises:
        MissingExtraError: The extra `console` is not installed.
        EnvironmentUnfitError: The address cannot be listened to.
    """
    try:
        from embodied_recorders.console.server import running_server  # noqa: PLC0415  # an optional extra
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        raise MissingExtraError("console", "the operator console") from error
    with running_server(recorder, host, port, token, asked) as url:
        yield url
