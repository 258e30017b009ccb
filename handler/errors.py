"""Everything that can be wrong with an upload, and what can keep the function from processing it."""

from typing import ClassVar


class PermanentFault(Exception):
    """A fault of the upload itself: recorded, announced under its stable `code`, and not retried.

    Its message is announced and logged: it never quotes the upload's content.
    """

    code: ClassVar[str]


class NotFound(PermanentFault):
    """The bucket no longer holds this version of the object."""

    code = "not_found"


class ForeignProject(PermanentFault):
    """The upload names another project than the one that its folder belongs to."""

    code = "foreign_project"


class NotXml(PermanentFault):
    """The report is not well-formed XML."""

    code = "not_xml"


class NotJUnit(PermanentFault):
    """The report is XML, but its root is neither `testsuites` nor `testsuite`."""

    code = "not_junit"


class BadEncoding(PermanentFault):
    """The report declares a character encoding that cannot be read."""

    code = "bad_encoding"


class ForbiddenDtd(PermanentFault):
    """The report has a document type with declarations of its own, the only place where entities can be defined."""

    code = "forbidden_dtd"


class TooLarge(PermanentFault):
    """The report, a single tag or comment of it, or what its gzip unpacks to exceeds its limit."""

    code = "too_large"


class TooDeep(PermanentFault):
    """The report nests its elements too deeply."""

    code = "too_deep"


class TooManyCases(PermanentFault):
    """The report has more test cases than a run may have."""

    code = "too_many_cases"


class BadGzip(PermanentFault):
    """The report's key ends in `.gz`, but it is not gzip, or it is damaged or cut off."""

    code = "bad_gzip"


class InvalidMessage(Exception):
    """The message is no S3 notification: it is set aside for an operator, and not retried."""


class NotReplaced(Exception):
    """An upload that was to be read again stays as it is recorded, for good. The message says why."""


class TransientFault(Exception):
    """A fault of the surroundings: the message is retried, and at last moved to the dead-letter queue."""


class NotYetVisible(TransientFault):
    """S3 does not show an upload that is so young that it may only not show it yet."""


class EventNotAccepted(TransientFault):
    """The event bus answered the call, but did not accept the event."""


class MissingParameter(TransientFault):
    """Parameter Store does not hold a parameter that the environment names."""


class SchemaMismatch(TransientFault):
    """The database's schema is older or newer than what the function works with."""
