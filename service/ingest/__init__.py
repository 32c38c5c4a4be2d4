"""The way in: from bytes as sent to events in the vocabulary's terms, or reasons why not."""
