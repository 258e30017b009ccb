"""TAP's Lambda function: it records uploads in PostgreSQL and announces them on the event bus."""
