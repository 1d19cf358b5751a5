"""Pages and terminal lines of a probe, until it makes a report of blocks."""
