"""Views that are kept under a name: what was looked at, and how. Files; knows nothing of a screen."""
