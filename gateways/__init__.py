"""One department's door. Empty until departments share through it: this version lets out receipts and proofs only."""
