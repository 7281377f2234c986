"""Sharing: applications and grants, emergencies, authorised queries, lists of subjects. Pure.

Twins of the contracts `ShareAuthorisations`, `EmergencyShares` and `AuthorisedQueries`: the same questions in the same
order with the same answers, refusals too, whose codes are those of the contracts' errors. Sharing.md, "Grant: states".
"""
