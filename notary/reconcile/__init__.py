"""The certificate library (电子证照库) and the ledger, compared: what is in one and not in the other, what differs.

    words.py     statuses as libraries write them → ours
    compare.py   two streams in the order of one key → findings; pure
    runs.py      sorting on the disk: more rows than memory holds
    ledger.py    the ledger's side in that order
    run.py       a comparison in a folder, cut and resumed at any point

The key is issuer and keyed hash of the identifier: the order in which the ledger keeps its look-ups (docs/adr/0028).
"""
