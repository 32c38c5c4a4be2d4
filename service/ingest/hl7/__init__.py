"""HL7 v2 messages: what hospitals' interface engines send."""
