"""Records and files in, proofs out.

formats, pure (formats.md, one file a section)
    canonical  commitment  entry  merkle  checkpoint  receipt (+ receipt_parts)  receipts  disclosure  envelope  cid
    trust (+ trust_file)  with their small letters: b64  members
judging, pure (verification.md)
    evidence -> verify (checks/) -> report  report_json  report_text     collect asks the world first
taking in, in the commit order
    service -> accept -> placing         intake, csv_intake, imports prepare records; filing, documents take files
    processes spreads that over cores; vault encrypts what is kept
the log
    log, batch: pure rules               stores/ tiles on disk, records in SQL, files by CID
    worker seals and anchors; prove makes receipts; lookup finds; decisions go to the outbox; fsck trusts nothing
"""
