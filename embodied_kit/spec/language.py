"""The reader's language, as users of the standard need it; the package's own module does the work."""

from embodied_kit.language import Language, language, pick

__all__ = ["Language", "language", "pick"]
