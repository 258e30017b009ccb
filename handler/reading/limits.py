"""How much of a report is kept. What is longer is cut visibly: docs/ingesting.md, "Limits and faults"."""

# Elements `testcase`.
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
