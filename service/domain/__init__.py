"""The pure core: from a patient's standing events to what they contribute to the ledger."""
