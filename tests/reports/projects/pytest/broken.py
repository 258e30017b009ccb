# mypy: ignore-errors
"""A file that cannot be loaded."""

msg = "no database <here>"
raise ConnectionError(msg)
