"""A dataset on disk: where things lie, what may be changed, and how an episode's document is made."""
