"""The certificate library (电子证照库) and the ledger, compared: what is in one and not in the other, what differs.

    words.py     statuses as libraries write them → ours
    compare.py   two streams in the order of one key → findings; pure
    runs.py      the library's side sorted on the disk: more rows than memory holds
    look_ups.py  the ledger's side the same, records of one length
    statuses.py  what isn't simply in force
    ledger.py    what the ledger's side is made of, and what happens when it goes on meanwhile
    lists.py     the findings' files
    run.py       a comparison in a folder, cut and resumed at any point

The key is issuer and keyed hash of the identifier; neither side keeps its rows in that order (docs/adr/0028).
"""
