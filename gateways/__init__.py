"""One department's door. Empty until departments share through it: nothing leaves this version but receipts and proofs."""
