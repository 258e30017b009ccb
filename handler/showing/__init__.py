"""From rows in PostgreSQL to pages, JSON and Markdown. It reads, and changes nothing."""
