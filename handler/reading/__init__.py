"""From the bytes of a test report to a `Report`. Knows no database and no AWS."""
