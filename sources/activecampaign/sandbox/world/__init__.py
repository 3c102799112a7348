"""The invented account: a tea company, and its rows of every kind."""
