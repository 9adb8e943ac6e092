"""Speed measurements; run with `make bench`."""
