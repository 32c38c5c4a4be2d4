"""FHIR R4: what a hospital's resources say of a patient, as statements."""
