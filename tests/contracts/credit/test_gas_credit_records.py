"""What credit items cost (conftest: `cost`)."""

from __future__ import annotations

from credit_items import appealed, item, objected
from credit_world import COUNTY, FILES32, MERIT, NEGATIVE, POLICE, SCHOOL, today
from world import NONE, digest, left, now, some, wait

from ledger.calendar import DAY, OFFSET

SECTION = "CreditRecords"
ROWS = 14


def test_items__each_act__noted(world, cost):
    credits, mine, keeper = world.credits, world.by(POLICE), world.by(COUNTY)
    tx = credits.authoriseContributor(FILES32, left(SCHOOL), MERIT, 1, 0, digest("act"), keeper)
    cost("`authoriseContributor`", tx)
    cost("`add`, a merit", credits.add(some(), item(MERIT), mine))
    first, given = some(), item(publish_months=6)
    cost("`add`, a negative item with notice, decision and publication", credits.add(first, given, mine))
    cost("`add` again, changing nothing", credits.add(first, given, mine))
    cost("`objectTo`, two deadlines from the calendar", credits.objectTo(first, some(), today(), keeper))
    cost("`uphold`", credits.uphold(first, some(), mine))
    cost("`appeal`, a second objection", credits.appeal(first, some(), today(), keeper))
    cost("`rule`, to be corrected", credits.rule(first, 5, some(), keeper))
    cost("`correct`", credits.correct(first, some(), some(), mine))
    cost("`attachStatement`", credits.attachStatement(appealed(world), some(), keeper))
    cost("`withdraw`, with an open objection", credits.withdraw(objected(world), 1, some(), mine))


def test_ends__by_time__noted(world, cost):
    credits, item_id, other = world.credits, some(), some()
    credits.add(item_id, item(NEGATIVE, severity=1), world.by(POLICE))
    credits.add(other, item(NEGATIVE), world.by(POLICE))
    cost("`repair`", credits.repair(item_id, some(), world.by(POLICE)))
    open_ = objected(world)
    tomorrow = (now() + OFFSET) // DAY + 1
    world.calendar.setDays(list(range(tomorrow, tomorrow + 5)), False, NONE, world.as_council)
    cost("`moveDeadline`", credits.moveDeadline(open_, {"from": world.stranger}))
    wait(credits.itemOf(other)[12] - now())
    cost("`archive` by anyone", credits.archive(other, NONE, {"from": world.stranger}))
