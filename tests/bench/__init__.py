"""The bench: each module below that has a `measure` is a scenario; `python -m tests.bench` runs them."""
