"""From the outcome of an upload to rows in PostgreSQL."""
