"""What the functions promise, each promise taken out of them on purpose: the harness has to notice."""

from __future__ import annotations

from dataclasses import replace

from tests.chaos.faults import Fault, When
from tests.chaos.mutation import Edit, Mutant
from tests.chaos.schedules import AskAgain, Crash, Deliver, Invoke, Join, SendNoise, Together
from tests.chaos.uploads import Upload

_INGEST = "handler/ingest_function.py"
_PROCESSING = "handler/processing.py"
_NOTIFICATIONS = "handler/notifications.py"
_STORAGE = "handler/storage.py"
_OUTBOX = "handler/announcing/outbox.py"
_PUBLISHER = "handler/announcing/publisher.py"
_DATABASE = "handler/recording/database.py"
_REPLACING = "handler/recording/replacing.py"
_RESULTS = "handler/recording/results.py"
_UPKEEP = "handler/recording/upkeep.py"
_UPLOADS = "handler/recording/uploads.py"
_SCHEMA = "handler/recording/migrations/0001_first_schema.sql"
_SCHEMA_PY = "handler/recording/schema.py"

# Of processing.py: within the transaction of the record, and after a fault of the report.
_LEAVE_EVENTS = "            self._leave_events(connection, recorded)\n"
_WRITE_FAULT = "            return self._write(upload, origin, Expired() if"

_REPORT = Upload(results={"adds": ("passed", 0.5), "pays": ("failed", 0.25)})
_PASSED = Upload(results={"adds": ("passed", 0.5)})
_BROKEN = Upload(build=2, results={"adds": ("failed", 0.5)})
_DELIVERED = Deliver(places=(0,))
# The queue does not hear that it is done.
_UNHEARD = Deliver(places=(0,), is_heard=False)


def _struck(at: str, when: When, what: str, *others: Fault) -> Deliver:
    """The first message is delivered, and this happens."""
    return Deliver(places=(0,), faults=(Fault(at, when, what), *others))


_MUTANTS = (
    Mutant(
        name="marked-before-put",
        guarantee="An event is marked as sent after the bus has taken it.",
        edits=[
            Edit(
                _OUTBOX,
                """\
        errors = publisher.put(events)
""",
                """\
        connection.execute(_MARK_SENT, [[event.id for event in events]])
    with connection.transaction():
        errors = publisher.put(events)
""",
            )
        ],
        schedule=[_REPORT, _struck("PutEvents", "before", "kill")],
    ),
    Mutant(
        name="put-before-commit",
        guarantee="An event is put after its upload is recorded for good.",
        edits=[
            Edit(
                _PROCESSING,
                _LEAVE_EVENTS,
                f"{_LEAVE_EVENTS}            outbox.send(connection, upload.event_id, self.publisher)\n",
            )
        ],
        schedule=[_REPORT, _struck("commit", "before", "kill")],
    ),
    Mutant(
        name="outbox-after-commit",
        guarantee="The upload and the event that is to be sent are one transaction.",
        edits=[Edit(_PROCESSING, _LEAVE_EVENTS, f"            pass\n{_LEAVE_EVENTS.removeprefix('    ')}")],
        schedule=[_REPORT, _struck("commit", "after", "kill")],
    ),
    Mutant(
        name="skip-locked",
        guarantee="A delivery waits for another one that is sending the event, which may still fail.",
        edits=[Edit(_OUTBOX, "order by position for update", "order by position for update skip locked")],
        schedule=[
            _REPORT,
            # It is recorded, and its event is to be sent.
            _struck("PutEvents", "before", "kill"),
            Together(
                _struck(
                    "PutEvents",
                    "before",
                    "hold",
                    Fault("PutEvents", "after", "hold"),
                    Fault("commit", "before", "kill"),
                ),
                _struck("connect", "before", "hold"),
            ),
        ],
    ),
    Mutant(
        name="other-detail",
        guarantee="An event that is sent again says the same.",
        edits=[
            Edit(_PUBLISHER, "import json\n", "import json\nfrom uuid import uuid4\n"),
            Edit(_PUBLISHER, "dumps(event.detail)", 'dumps({**event.detail, "processed_at": str(uuid4())})'),
        ],
        schedule=[_REPORT, _struck("PutEvents", "after", "kill")],
    ),
    Mutant(
        name="random-event-id",
        guarantee="An event that is sent again has the same id, that of its upload.",
        edits=[
            Edit(_PUBLISHER, "import json\n", "import json\nfrom uuid import uuid4\n"),
            Edit(_PUBLISHER, "dumps(event.detail)", 'dumps({**event.detail, "event_id": str(uuid4())})'),
        ],
        schedule=[_REPORT],
    ),
    Mutant(
        name="refused-entries",
        guarantee="An entry that the bus refuses within an answer of 200 was not put.",
        edits=[Edit(_PUBLISHER, 'answer.get("ErrorCode") for', "None for")],
        schedule=[_REPORT, _struck("PutEvents", "before", "partial")],
    ),
    Mutant(
        name="faults-unannounced",
        guarantee="A report that cannot be read is announced as well.",
        edits=[Edit(_PROCESSING, _LEAVE_EVENTS, f"            if not recorded.fault:\n    {_LEAVE_EVENTS}")],
        schedule=[Upload(kind="not_junit")],
    ),
    Mutant(
        name="nothing-fails",
        guarantee="The answer names the messages that failed.",
        edits=[Edit(_INGEST, "for message_id in failed]}", "for message_id in failed[:0]]}")],
        schedule=[_REPORT, _struck("GetObject", "before", "deny")],
    ),
    Mutant(
        name="everything-fails",
        guarantee="The answer does not name messages that are done.",
        edits=[Edit(_INGEST, "if not invocation.process(message)]", "if not invocation.process(message) or True]")],
        schedule=[_REPORT],
    ),
    Mutant(
        name="failure-swallowed",
        guarantee="A message whose upload failed is not done.",
        edits=[
            Edit(
                _INGEST,
                """\
                    logger.error(f"{subject} failed, to be retried", error=name, reason=reason, stack=stack)
                    return False
""",
                """\
                    logger.error(f"{subject} failed, to be retried", error=name, reason=reason, stack=stack)
                    return True
""",
            )
        ],
        schedule=[_REPORT, _struck("GetObject", "before", "deny")],
    ),
    Mutant(
        name="one-of-several",
        guarantee="A message is done when all of its uploads are.",
        edits=[Edit(_INGEST, "return all(outcomes)", "return any(outcomes)")],
        schedule=[_REPORT, replace(_REPORT, build=2), Join(), _struck("GetObject", "before", "deny")],
    ),
    Mutant(
        name="given-back-as-done",
        guarantee="A message for which the time was too short is not done.",
        edits=[
            Edit(
                _INGEST,
                """\
to be retried: too little time left")
        return False
""",
                """\
to be retried: too little time left")
        return True
""",
            )
        ],
        schedule=[_REPORT, Deliver(places=(0,), trouble="no login")],
    ),
    Mutant(
        name="refusal-as-absence",
        guarantee="An object that may not be read at the moment is no fault of the upload.",
        edits=[Edit(_STORAGE, 'not in {"NoSuchKey", "NoSuchVersion"}', "in {None}")],
        schedule=[replace(_REPORT, minutes_ago=60), _struck("GetObject", "before", "deny")],
    ),
    Mutant(
        name="every-failure-a-fault",
        guarantee="What keeps the function from reading a report is no fault of the report.",
        edits=[
            Edit(
                _PROCESSING,
                f"        except PermanentFault as fault:\n{_WRITE_FAULT}",
                f"        except Exception as error:\n            fault = NotFound(str(error))\n{_WRITE_FAULT}",
            ),
        ],
        schedule=[_REPORT, _struck("GetObject", "after", "truncate")],
    ),
    Mutant(
        name="half-a-report",
        guarantee="A report that breaks off on its way is not recorded by half.",
        edits=[
            Edit(_RESULTS, "import json\n", "import contextlib\nimport json\n"),
            Edit(
                _RESULTS,
                "        with cursor.copy(_COPY_ATTEMPTS) as copy:\n",
                "        with cursor.copy(_COPY_ATTEMPTS) as copy, contextlib.suppress(Exception):\n",
            ),
        ],
        schedule=[_REPORT, _struck("GetObject", "after", "truncate")],
    ),
    Mutant(
        name="fault-retried",
        guarantee="A report that cannot be read is recorded, and not tried again.",
        edits=[Edit(_PROCESSING, _WRITE_FAULT, f"            raise\n{_WRITE_FAULT}")],
        schedule=[Upload(kind="broken_off")],
    ),
    Mutant(
        name="recorded-again",
        guarantee="A delivery finds what an earlier one recorded.",
        edits=[
            Edit(
                _PROCESSING,
                "uploads.find(self.database.connected(), upload) or self._record(upload)",
                "self._record(upload)",
            ),
            Edit(_UPLOADS, "if not new.rowcount and (earlier := find(connection, upload)):", "if earlier := None:"),
        ],
        schedule=[_REPORT, _UNHEARD],
    ),
    Mutant(
        name="counted-again",
        guarantee="A delivery of what is recorded adds nothing to what tests took.",
        edits=[
            Edit(
                _PROCESSING,
                """\
        recorded = uploads.find(self.database.connected(), upload) or self._record(upload)
""",
                """\
        recorded = uploads.find(self.database.connected(), upload)
        if recorded:
            again = "select history.add_to_totals(id) from history.run where event_id = %s"
            self.database.connected().execute(again, [upload.event_id])
        else:
            recorded = self._record(upload)
""",
            )
        ],
        schedule=[_REPORT, _UNHEARD],
    ),
    Mutant(
        name="versions-are-one",
        guarantee="Each version of an object is an upload of its own.",
        edits=[Edit(_NOTIFICATIONS, "json.dumps([bucket, key, version_id])", "json.dumps([bucket, key])")],
        schedule=[_REPORT, _REPORT],
    ),
    Mutant(
        name="reports-mix",
        guarantee="A report that one connection records has nothing of the one before.",
        edits=[Edit(_RESULTS, ") on commit delete rows", ") on commit preserve rows")],
        schedule=[_REPORT, replace(_REPORT, build=2, results={"ships": ("passed", 1.0)})],
    ),
    Mutant(
        name="lost-connection-kept",
        guarantee="A connection that was lost is opened anew.",
        edits=[
            Edit(
                _DATABASE,
                "except psycopg.Error:\n                self.close()\n",
                "except psycopg.Error:\n                raise\n",
            )
        ],
        schedule=[_REPORT, _DELIVERED, Crash(is_server=False), replace(_REPORT, build=2)],
    ),
    Mutant(
        name="no-turns",
        guarantee="Reports of one project change what its runs come to one after the other.",
        edits=[Edit(_RESULTS, "    take_turn(connection, read.project_id)\n", "")],
        # Nothing fails, or its rows would keep them apart. Once both containers are warm, they come to the same point
        # at about the same time.
        schedule=[
            step
            for build in range(5)
            for step in (
                replace(_PASSED, build=build),
                replace(_PASSED, build=10 + build),
                Together(_struck("commit", "before", "hold"), Deliver(places=(1,))),
            )
        ],
    ),
    Mutant(
        name="order-of-arrival",
        guarantee="The history has the order of the uploads, in whatever order they arrive.",
        edits=[
            Edit(_RESULTS, "import json\n", "import json\nimport time\n"),
            Edit(_RESULTS, "int(uploaded_at.timestamp() * 1000)", "int(time.time() * 1000)"),
        ],
        schedule=[_REPORT, _DELIVERED, replace(_REPORT, build=2, minutes_ago=60)],
    ),
    Mutant(
        name="late-failures",
        guarantee="What fails now is told anew by a run that comes late.",
        edits=[Edit(_SCHEMA, "and later.id > of_run) then", "and later.id > of_run and false) then")],
        schedule=[Invoke(event="migrate"), _REPORT, _DELIVERED, replace(_REPORT, build=2, minutes_ago=60)],
        is_migrated=False,
    ),
    Mutant(
        name="late-durations",
        guarantee="A run that comes late counts for its day and for all later ones.",
        edits=[Edit(_SCHEMA, "and total.day > added.day", "and total.day > added.day and false")],
        schedule=[Invoke(event="migrate"), _REPORT, _DELIVERED, replace(_REPORT, build=2, minutes_ago=2 * 1440)],
        is_migrated=False,
    ),
    Mutant(
        name="upkeep-too-soon",
        guarantee="The upkeep leaves an upload for as long as its message may come again.",
        edits=[Edit(_UPKEEP, "REDELIVERY = 30", "REDELIVERY = 0")],
        schedule=[
            replace(_REPORT, minutes_ago=100 * 1440),
            _UNHEARD,
            Invoke(event="upkeep"),
        ],
    ),
    Mutant(
        name="noise-dropped",
        guarantee="A message that is no notification is set aside.",
        edits=[Edit(_INGEST, 'return self._succeeds("Message", partial(self._set_aside, message))', "return True")],
        schedule=[SendNoise()],
    ),
    Mutant(
        name="noise-retried",
        guarantee="A message that is no notification does not come again.",
        edits=[Edit(_INGEST, 'return self._succeeds("Message", partial(self._set_aside, message))', "return False")],
        schedule=[SendNoise()],
    ),
    Mutant(
        name="unnoted-migration",
        guarantee="A migration and the note that it was applied are one transaction.",
        edits=[
            Edit(
                _SCHEMA_PY,
                """\
    with connection.transaction():
        _set(connection, "lock_timeout", _LOCK_TIMEOUT)
""",
                """\
    if True:
        _set(connection, "lock_timeout", _LOCK_TIMEOUT)
""",
            ),
        ],
        # After each of its statements, one of which is the migration.
        schedule=[
            _REPORT,
            *(Invoke(event="migrate", faults=(Fault("statement", "after", "kill", nth),)) for nth in range(16, 27)),
        ],
        is_migrated=False,
    ),
    Mutant(
        name="partly-refused",
        guarantee="Of several events of an upload, those that the bus refused are sent again.",
        edits=[
            Edit(_OUTBOX, "zip(events, errors, strict=True) if error is None]", "zip(events, errors, strict=True)]")
        ],
        schedule=[_PASSED, _DELIVERED, _BROKEN, _struck("PutEvents", "before", "partial")],
    ),
    Mutant(
        name="changes-untold",
        guarantee="What a run broke is announced.",
        edits=[Edit(_PROCESSING, "if is_new and (changed :=", "if not is_new and (changed :=")],
        schedule=[_PASSED, _DELIVERED, _BROKEN],
    ),
    Mutant(
        name="read-again-adds",
        guarantee="A report that is read again counts once.",
        edits=[Edit(_REPLACING, "    if not stays:\n", "    if key:\n")],
        schedule=[_REPORT, _DELIVERED, AskAgain()],
    ),
)

MUTANTS = {mutant.name: mutant for mutant in _MUTANTS}
