"""Back-fill: millions of certificates from a file or a table into the logs of their issuers, resumable at any point.

    sources.py, parquet.py, table.py   rows in chunks, each with a mark that says where the next one begins
    chunks.py    what worker processes do with a part of a chunk: prepare it; check and promise its receipts
    work.py      hands that to the processes
    manifest.py  the durable folder: one row per record, a journal of finished chunks, bundles of receipts
    run.py       the pipeline: read ahead, prepare, place in groups, promise, write down

A wrong row is refused in the manifest and stops no other (docs/adr/0020).
"""
