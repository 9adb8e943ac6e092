"""Types, interfaces and metrics: numpy only, never torch."""
