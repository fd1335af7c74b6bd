"""JSON that is printed: nothing in it moves the cursor, turns the reading direction or hides."""

from __future__ import annotations

import re

# What JSON may hold as it is and a terminal obeys: C1 controls, bidirectional overrides, invisible characters.
_OBEYED = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def visible_json(data: bytes) -> bytes:
    """The same JSON with those characters spelt out as escapes.

    Args:
        data: JSON text in UTF-8; such characters stand in strings only.
    """
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", data.decode()).encode()
