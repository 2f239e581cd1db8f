"""Every cell of a grid of thresholds over an event table, the ledger of trials, and the cells worth a look."""
