"""Reports as text for machines and people: pure functions of a `Report`."""
