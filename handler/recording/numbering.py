"""The numbers of a project's tests: those of the tests that a report has, found or given out."""

from __future__ import annotations

from typing import Any, NamedTuple

from psycopg import Cursor

# The lock that whoever gives out numbers holds until the transaction ends. Not the stronger `for update`: with the key
# shares that the foreign keys take, it deadlocks.
_LOCK_PROJECT = "select from history.project where id = %s for no key update"

# Whoever numbers tests changes one of them.
_NUMBERS = """
select tests, (select count(*) from history.free_number where project_id = project.id) as free
from history.project
where id = %s
"""

_HAS_NEW_TESTS = "select exists (select from outcome where number is null)"

# What another report has numbered meanwhile.
_FIND_NUMBERS = (
    "update outcome set number = test.number from history.test where outcome.number is null and id = test_id"
)

# What the statement that records a run begins with: the table `outcome`, each test with the number that is given to it.
ALL_KNOWN = """
with numbered_test as (
    select *, number as given from outcome
)
"""

# The free numbers come first.
SOME_NEW = """
with free as (
    select number, row_number() over (order by number) as nth
    from history.free_number
    where project_id = %(project_id)s
), numbered_test as materialized (
    select outcome.*,
           coalesce(outcome.number, free.number, (%(tests)s + nth - (select count(*) from free))::integer - 1) as given
    from (
        select *, case when number is null
                       then row_number() over (partition by number is null order by position) end as nth
        from outcome
    ) as outcome
    left join free using (nth)
), new_test as (
    insert into history.test (project_id, number, id, file, suite, classname, name, variant)
    select %(project_id)s, given, numbered_test.test_id, file, suite, classname, name, numbered_test.variant
    from numbered_test
    join attempt using (position)
    where number is null
    returning number
), taken as (
    delete from history.free_number using new_test
    where (free_number.project_id, free_number.number) = (%(project_id)s, new_test.number)
), counted as (
    update history.project set tests = greatest(tests, (select max(number) + 1 from new_test)) where id = %(project_id)s
)
"""


class Numbers(NamedTuple):
    """How many numbers a project has given to tests, and how many of these are free again."""

    given: int
    free: int


def numbers_of(cursor: Cursor[Any], project_id: int) -> Numbers:
    """As they are now."""
    [row] = cursor.execute(_NUMBERS, [project_id])
    return Numbers(*row)


def hold_numbers_for_new_tests(cursor: Cursor[Any], project_id: int, seen: Numbers) -> Numbers | None:
    """Waits, if the report has new tests, until no other one numbers tests of the project; others wait for this one.

    `seen`: the numbers before those of the report's tests were looked for. None if all tests are known.
    """
    [(has_new_tests,)] = cursor.execute(_HAS_NEW_TESTS)
    if not has_new_tests:
        return None
    cursor.execute(_LOCK_PROJECT, [project_id])
    numbers = numbers_of(cursor, project_id)
    if numbers != seen:
        cursor.execute(_FIND_NUMBERS)
    return numbers
