"""The ROS domain that a transport joins."""

from __future__ import annotations

import os
from typing import Final

from embodied_kit.errors import UsageError

_HIGHEST_DOMAIN_ID: Final = 232


def ros_domain(domain_id: int | None) -> int:
    """The domain asked for, else that of ROS_DOMAIN_ID, else 0.

    Raises:
        UsageError: No such domain.
    """
    text = os.environ.get("ROS_DOMAIN_ID", "") or "0" if domain_id is None else str(domain_id)
    if not text.isdecimal() or int(text) > _HIGHEST_DOMAIN_ID:
        raise UsageError(f"expected a ROS domain from 0 to {_HIGHEST_DOMAIN_ID}, got {text!r}")
    return int(text)
