"""Where data lies: a folder or an object store, walked, listed and held against what documents declare."""
