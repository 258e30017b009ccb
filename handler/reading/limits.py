"""How much of a report is kept: docs/reading.md, "What else is kept", and docs/ingesting.md, "Limits and faults"."""

# Seconds that a case or a suite takes, a week: no CI system lets a job run for longer.
MAX_DURATION = 7 * 24 * 3600
# Elements `testcase`, and suites that failed themselves.
MAX_CASES = 1_000_000
# Characters of the name of a file, suite, class, test, host or exception.
MAX_NAME = 1_024
# Characters of the message of an outcome.
MAX_MESSAGE = 4 * 1024
# Characters of the details of an outcome, of a test's standard output, and of its standard error.
MAX_TEXT = 64 * 1024
# Outcomes of one case; and characters of the details and outputs of all of them.
MAX_OUTCOMES = 20
MAX_OUTCOME_TEXTS = 4 * MAX_TEXT
# Characters of outputs and outcomes of all suites that are open at a moment, since each of them is kept until its end.
MAX_OPEN_SUITE_TEXTS = 16 * MAX_TEXT
# Properties of a run, and of a case; and characters of their names and of their values.
MAX_RUN_PROPERTIES = 100
MAX_CASE_PROPERTIES = 20
MAX_PROPERTY_NAME = 256
MAX_PROPERTY = 1_024
# References to attachments of a case, and characters of one.
MAX_ATTACHMENTS = 20
MAX_ATTACHMENT = 1_024
# Names of hosts that a run keeps.
MAX_HOSTNAMES = 20
# Characters of the names of suites, files and hosts that cases have from their suites. Each case writes them again:
# without a limit, a small report could fill the database.
MAX_INHERITED = 256 * 1024 * 1024
