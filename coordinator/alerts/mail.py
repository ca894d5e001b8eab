"""Mail over SMTP with TLS; all messages of an incident are one thread.

RFC 5322 section 3.6.4 (Message-ID, References), RFC 3834 section 5 (Auto-Submitted).
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Literal

import aiosmtplib

from coordinator.alerts.channels import Message, NotTaken

_SECONDS = 30.0
_PERMANENT = 500


@dataclass(frozen=True)
class Mail:
    """A mail server, and from whom to whom. ``starttls`` is usual on port 587, ``tls`` on 465; none is not offered."""

    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    user: str = ""
    password: str = field(default="", repr=False)
    encryption: Literal["starttls", "tls"] = "starttls"
    context: ssl.SSLContext | None = field(default=None, repr=False)
    name: str = "mail"

    async def send(self, message: Message) -> None:
        """Hand it to the server; raises NotTaken.

        SMTP knows no repetition: when the server's last word is lost, the same Message-ID goes out twice.
        """
        try:
            await aiosmtplib.send(
                self.composed(message),
                hostname=self.host,
                port=self.port,
                username=self.user or None,
                password=self.password or None,
                use_tls=self.encryption == "tls",
                start_tls=self.encryption == "starttls",
                tls_context=self.context or ssl.create_default_context(),
                timeout=_SECONDS,
            )
        except aiosmtplib.SMTPResponseException as error:
            raise NotTaken(f"the mail server answered {error.code}", again=error.code < _PERMANENT) from error
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = sorted({one.code for one in error.recipients})
            again = all(code < _PERMANENT for code in codes)
            raise NotTaken(
                f"the mail server refused the recipients ({', '.join(map(str, codes))})", again=again
            ) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise NotTaken(f"the mail server was not reached ({type(error).__name__})") from error

    def composed(self, message: Message) -> EmailMessage:
        """The same mail each time it is composed."""
        domain = self.sender.rpartition("@")[2]
        mail = EmailMessage(policy=SMTP)
        mail["From"] = self.sender
        mail["To"] = ", ".join(self.recipients)
        mail["Subject"] = " ".join(message.subject.split())
        mail["Date"] = format_datetime(datetime.fromtimestamp(message.at, UTC))
        mail["Message-ID"] = f"<{message.key}@{domain}>"
        if message.thread != message.key:
            mail["In-Reply-To"] = mail["References"] = f"<{message.thread}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text or message.subject)
        return mail
