"""Source data to readings; one file per subject, none imports another. A collector never draws and never waits."""
