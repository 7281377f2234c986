"""The twelve checks of verification.md, a file for each thing that is judged; notary.verify calls them in order.

Pure. Each takes the Case and answers with one Check: what couldn't be asked is `unknown`, what the rules can't hold
against this kind of thing is `skipped`, with the reason.
"""
