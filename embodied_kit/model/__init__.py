"""The records that the rooms hand to one another: frozen, typed, without IO."""
