"""`graftwatch patient report`: everything held of a patient, and who saw it, for the patient.

In:     a facility and a pseudonym.
Out:    one JSON document on standard output; that it was made is entered in the audit trail first.
Source: docs/audit.md; GDPR, Article 15.
"""

from typing import Annotated

import typer

from service.commands.console import say
from service.commands.opening import opened
from service.settings import read_settings

app = typer.Typer(no_args_is_help=True, help="Answer a patient who asks what is held.")


@app.callback()
def _keep_the_name() -> None:
    """Answer a patient who asks what is held."""


@app.command()
def report(
    facility: Annotated[str, typer.Argument(help="Where the patient is followed.")],
    patient: Annotated[str, typer.Argument(help="The pseudonym within that facility.")],
) -> None:
    """Print everything that is held of a patient, and every access, as JSON."""
    from service.api.patient_report_documents import tell_report
    from service.domain.audit_chain import COMMAND_LINE
    from service.pipeline.patient_reports import report_patient
    from service.pipeline.patients import find_patient
    from service.store.audit import AuditEntry, append
    from service.store.events import PatientKey

    with opened(read_settings(), under_any_rules=True) as surveillance:
        file = find_patient(surveillance, PatientKey(facility, patient))
        facts = {"facility": facility}
        entry = AuditEntry(
            surveillance.clock(),
            COMMAND_LINE,
            "patient_report_shown",
            facts,
            patients=(file.key,),
        )
        with surveillance.database.note() as connection:
            append(connection, [entry])
        found = tell_report(report_patient(surveillance, file), surveillance.today())
    say(found.model_dump_json(indent=2))
