"""What happens, each in one transaction: record, monitor, erase, rebuild."""
