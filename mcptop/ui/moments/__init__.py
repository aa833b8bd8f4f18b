"""Which moment is on the screen: live, stopped, walked back to, compared."""
