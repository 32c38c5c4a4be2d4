"""E-mail by SMTP.

In:     a mail server, addresses, a message.
Out:    what came of handing it to the server once.
Source: docs/delivery.md; RFC 5321, RFC 5322, RFC 3834 (Auto-Submitted), RFC 8314 (TLS).
"""

import re
import smtplib
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Literal

from service.domain.delivery_outcomes import Outcome

Security = Literal["starttls", "tls", "none"]

SECONDS = 15.0
MOST_ADDRESSES = 50
ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
REFUSED = "smtp_refused"


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in, as whom, and how that is kept private."""

    host: str
    port: int = 587
    security: Security = "starttls"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    sender: str = "graftwatch@localhost"


def read_addresses(text: str) -> list[str]:
    """Addresses with commas between; raises `ValueError` for anything else.

    >>> read_addresses("ward@example.org, night@example.org")
    ['ward@example.org', 'night@example.org']
    """
    addresses = [part.strip() for part in text.split(",")]
    if len(addresses) > MOST_ADDRESSES:
        raise ValueError(f"At most {MOST_ADDRESSES} addresses: make a list of your mail server's.")
    if not all(ADDRESS.fullmatch(address) for address in addresses):
        raise ValueError("E-mail addresses with commas between, such as ward@example.org.")
    return addresses


def letter(
    server: MailServer,
    addresses: Sequence[str],
    subject: str,
    text: str,
    *,
    message_id: str,
    thread: str | None,
    now: datetime,
) -> EmailMessage:
    """A message; mail of the same alert stands together, under `thread`."""
    host = server.sender.rpartition("@")[2]
    mail = EmailMessage()
    mail["From"] = server.sender
    mail["To"] = ", ".join(addresses)
    mail["Subject"] = subject
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{message_id}@{host}>"
    mail["Auto-Submitted"] = "auto-generated"
    if thread is not None:
        mail["References"] = f"<{thread}@{host}>"
    mail.set_content(text)
    return mail


def hand_in(server: MailServer, mail: EmailMessage) -> Outcome:
    """Hand a message to the mail server; some addresses taken is taken, the log says so."""
    try:
        with CONNECTED[server.security](server) as smtp:
            if server.username is not None:
                smtp.login(server.username, server.password or "")
            left_out = smtp.send_message(mail)
            return Outcome("delivered", 250, "some_addresses_refused" if left_out else None)
    except smtplib.SMTPRecipientsRefused as fault:
        return _refused(max(code for code, _ in fault.recipients.values()))
    except smtplib.SMTPDataError as fault:
        return _refused(fault.smtp_code)
    except smtplib.SMTPResponseException as fault:
        return Outcome("failed", fault.smtp_code, type(fault).__name__)
    except (smtplib.SMTPException, OSError, ValueError) as fault:
        return Outcome("failed", reason=type(fault).__name__)


def _refused(code: int) -> Outcome:
    """5xx is for good and about this message; 4xx asks to come again (greylisting)."""
    return Outcome("refused" if code >= 500 else "failed", code, REFUSED)


def _plain(server: MailServer) -> smtplib.SMTP:
    return smtplib.SMTP(server.host, server.port, timeout=SECONDS)


def _upgraded(server: MailServer) -> smtplib.SMTP:
    smtp = _plain(server)
    try:
        smtp.starttls(context=ssl.create_default_context())
    except BaseException:
        smtp.close()
        raise
    return smtp


def _private(server: MailServer) -> smtplib.SMTP:
    context = ssl.create_default_context()
    return smtplib.SMTP_SSL(server.host, server.port, timeout=SECONDS, context=context)


CONNECTED: Mapping[Security, Callable[[MailServer], smtplib.SMTP]] = {
    "starttls": _upgraded,
    "tls": _private,
    "none": _plain,
}
