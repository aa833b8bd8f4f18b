"""The black box: snapshots to bytes and back, the last minutes in memory, and files that outlive their writer."""
