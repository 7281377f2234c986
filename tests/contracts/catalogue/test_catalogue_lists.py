"""Catalogue: what a provider owes and what others ask for: duties and demands. Done, no-op, denied."""

from __future__ import annotations

from catalogue_world import (
    AUTHORITY,
    BASIS,
    CODE,
    CONSUMER,
    ID,
    PROVIDER,
    UPDATE,
    runs,
)
from world import NONE, OUTSIDER, left, now, plain, reverts, unchanged


def test_duty__of_a_provider__owed_until_ended_or_withdrawn(town, catalogue):
    assert catalogue.addDuty(CODE, left(PROVIDER), BASIS, town.handler()).return_value
    assert unchanged(catalogue.addDuty(CODE, left(PROVIDER), BASIS, town.handler(AUTHORITY)))
    assert bytes(catalogue.dutyOf(CODE)) == left(PROVIDER)
    with reverts("Catalogue_NotProvider", CODE, left(PROVIDER), left(CONSUMER)):
        catalogue.addDuty(CODE, left(CONSUMER), BASIS, town.handler(AUTHORITY))
    assert catalogue.endDuty(CODE, 3, BASIS, town.approver(AUTHORITY)).return_value
    assert unchanged(catalogue.endDuty(CODE, 3, BASIS, town.approver(AUTHORITY)))
    assert (bytes(catalogue.dutyOf(CODE)), runs(town, UPDATE)) == (NONE, False)
    assert catalogue.addDuty(CODE, left(CONSUMER), BASIS, town.handler(AUTHORITY)).return_value
    assert bytes(catalogue.resource(CODE)[0]) == left(CONSUMER)


def test_duty__wrong_provider__refused(town, catalogue):
    with reverts("Catalogue_NotEntitled", left(OUTSIDER), NONE, left(AUTHORITY)):
        catalogue.addDuty(CODE, left(OUTSIDER), BASIS, town.handler(AUTHORITY))
    with reverts("Catalogue_IdZero"):
        catalogue.addDuty(NONE, left(PROVIDER), BASIS, town.handler())


def test_demand__without_provider__assigned_and_closed(town, catalogue):
    assert catalogue.demand(ID, NONE, NONE, BASIS, town.handler(CONSUMER)).return_value
    assert unchanged(catalogue.demand(ID, NONE, NONE, BASIS, town.handler(CONSUMER)))
    assert plain(catalogue.demandOf(ID)) == (left(CONSUMER), NONE, NONE, BASIS, False)
    with reverts("Catalogue_DemandDiffers", ID, left(CONSUMER)):
        catalogue.demand(ID, NONE, NONE, BASIS, town.handler(PROVIDER))
    with reverts("Catalogue_NotAuthority", left(AUTHORITY), left(CONSUMER)):
        catalogue.assignDemand(ID, left(PROVIDER), CODE, BASIS, town.approver(CONSUMER))
    assert catalogue.assignDemand(ID, left(PROVIDER), CODE, BASIS, town.approver(AUTHORITY)).return_value
    assert unchanged(catalogue.assignDemand(ID, left(PROVIDER), CODE, BASIS, town.approver(AUTHORITY)))
    assert plain(catalogue.demandOf(ID)) == (left(CONSUMER), left(PROVIDER), CODE, BASIS, False)
    assert unchanged(catalogue.demand(ID, NONE, NONE, BASIS, town.handler(CONSUMER)))
    with reverts("Catalogue_DemandDiffers", ID, left(CONSUMER)):
        catalogue.closeDemand(ID, 1, BASIS, town.handler(PROVIDER))
    assert catalogue.closeDemand(ID, 1, BASIS, town.handler(CONSUMER)).return_value
    assert unchanged(catalogue.closeDemand(ID, 1, BASIS, town.handler(CONSUMER)))
    with reverts("Catalogue_DemandClosed", ID):
        catalogue.assignDemand(ID, left(AUTHORITY), CODE, BASIS, town.approver(AUTHORITY))


def test_demand__wrong_ones__refused(town, catalogue):
    for args, error in (
        ((NONE, NONE, NONE, BASIS), ("Catalogue_IdZero",)),
        ((ID, NONE, NONE, NONE), ("Catalogue_BasisNeeded", ID)),
        ((ID, left(OUTSIDER), NONE, BASIS), ("Catalogue_ProviderInvalid", left(OUTSIDER))),
    ):
        with reverts(*error):
            catalogue.demand(*args, town.handler(CONSUMER))
    with reverts("Catalogue_DemandUnknown", ID):
        catalogue.closeDemand(ID, 1, BASIS, town.handler(CONSUMER))


def test_duty__of_a_succeeded_department__is_its_successor_s(town, catalogue):
    town.departments.succeed(left(PROVIDER), left(CONSUMER), now(), [], NONE, {"from": town.council})
    with reverts("Catalogue_ProviderInvalid", left(PROVIDER)):
        catalogue.addDuty(CODE, left(PROVIDER), BASIS, town.handler(AUTHORITY))
    assert catalogue.addDuty(CODE, left(CONSUMER), BASIS, town.handler(AUTHORITY)).return_value
