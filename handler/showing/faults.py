"""What to do about each fault that an upload can have. docs/ingesting.md has the limits."""

from __future__ import annotations

from dataclasses import dataclass

from handler import errors


@dataclass(frozen=True, kw_only=True)
class Step:
    """Something to do, and how or why."""

    act: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Advice:
    """What a fault means, and what to do about it. `meaning` goes on from "The report" or "Refused: the report"."""

    code: str
    meaning: str
    steps: list[Step]


_AGAIN = Step(act="Send it again.", reason="The same key may be written again: each version of an object counts once.")
_SPLIT = Step(
    act="Upload several reports.",
    reason="A build may have one for each shard or module: give each its own tap-job, the same in every build.",
)


def _advice(fault: type[errors.PermanentFault], meaning: str, *steps: Step) -> Advice:
    return Advice(code=fault.code, meaning=meaning, steps=list(steps))


FAULTS = {
    advice.code: advice
    for advice in (
        _advice(
            errors.NotXml,
            "is not well-formed XML",
            Step(
                act="Look whether the job was killed.",
                reason="A report that ends in the middle of a tag was uploaded before the runner had written all of"
                " it, or the disk was full. The end of the build says which.",
            ),
            Step(
                act="Upload after the runner has ended.",
                reason="Make the upload a step of its own, after the tests, that also runs when they failed.",
            ),
            _AGAIN,
        ),
        _advice(
            errors.NotJUnit,
            "is XML, but not JUnit's",
            Step(
                act="Have the runner write JUnit XML.",
                reason="Its root is called testsuites or testsuite. Reports of coverage, TRX and the formats of NUnit"
                " and xUnit.net are others.",
            ),
            Step(
                act="Call other files otherwise.",
                reason="What does not end in .xml or .xml.gz is recorded as an artifact, and not read.",
            ),
        ),
        _advice(
            errors.BadEncoding,
            "declares a character encoding that cannot be read",
            Step(
                act="Write the report in UTF-8.",
                reason='Its first line then says encoding="UTF-8", or nothing of an encoding.',
            ),
            _AGAIN,
        ),
        _advice(
            errors.ForbiddenDtd,
            "has a document type with declarations of its own",
            Step(
                act="Leave the declarations out.",
                reason="No runner writes <!DOCTYPE … [ … ]>: look at what changes the report after it. Entities are"
                " never resolved, since they can make a small report huge.",
            ),
            Step(
                act="Shorten what stands before it.",
                reason="Behind more than 4,096 bytes of comments, any document type is refused.",
            ),
            _AGAIN,
        ),
        _advice(
            errors.BadGzip,
            "is called .gz, and is no complete gzip file",
            Step(
                act="Upload when it is complete.",
                reason="gzip must have ended before the upload begins: gzip report.xml && aws s3 cp report.xml.gz …",
            ),
            Step(act="Call it .xml if it is not packed.", reason="The key alone says whether it is."),
            _AGAIN,
        ),
        _advice(
            errors.TooLarge,
            "is larger than a report may be",
            Step(
                act="Look which limit it is.",
                reason="The sentence above says so: the whole report, one tag, the names in it, or what it unpacks to.",
            ),
            Step(
                act="Write less output.",
                reason="It is mostly the output of tests that passed: runners can keep it out of the report.",
            ),
            _SPLIT,
        ),
        _advice(
            errors.TooDeep,
            "nests its elements too deeply",
            Step(
                act="Look at what merges or makes the suites.",
                reason="More than 100 levels are no runner's: something puts each suite into the one before.",
            ),
            _AGAIN,
        ),
        _advice(errors.TooManyCases, "has more test cases than a run may have", _SPLIT),
        _advice(
            errors.ForeignProject,
            "names another project than the one that its folder belongs to",
            Step(
                act="Upload to the folder of the project.",
                reason="The first folder of this key belongs to the jobs of one project (uploaders, in the settings of"
                " the platform), and tap-project names another.",
            ),
            Step(act="Leave tap-project out.", reason="The project is then the folder's."),
        ),
        _advice(
            errors.NotFound,
            "was deleted before it was read",
            Step(
                act="Look who deletes from the bucket.",
                reason="A step of the job that cleans up, or a lifecycle rule, must leave reports alone for an hour.",
            ),
            _AGAIN,
        ),
    )
}
"""By their codes, those first that are met most."""
