"""What the observatory's pages show, as plain data: from run files, the price book, probes and the ledger's sums."""
