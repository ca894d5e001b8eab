"""Mail over SMTP with TLS; all messages of an incident are one thread.

RFC 5322 section 3.6.4 (Message-ID, References), RFC 3834 section 5 (Auto-Submitted).
"""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Literal

import aiosmtplib

from coordinator.alerts.answers import SET_UP_PAUSE
from coordinator.alerts.channels import Message, NotTaken

_log = logging.getLogger(__name__)
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
            refused, _ = await aiosmtplib.send(
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
        except (aiosmtplib.SMTPException, OSError) as error:
            raise _not_taken(error) from error
        if refused:
            codes = ", ".join(sorted({str(answer.code) for answer in refused.values()}))
            _log.warning(
                "mail: the server took %r for some recipients and refused %d (%s)", message.subject, len(refused), codes
            )

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
        mail["X-Auto-Response-Suppress"] = "All"  # the same for Exchange, which does not look at Auto-Submitted
        mail.set_content(message.text or message.subject)
        return mail


def _not_taken(error: Exception) -> NotTaken:
    """What an error of the connection means; the server's own words are left out, for they may repeat what was sent."""
    match error:
        case aiosmtplib.SMTPAuthenticationError():
            return NotTaken(
                f"the mail server answered {error.code}: it does not accept user and password", after=SET_UP_PAUSE
            )
        case aiosmtplib.SMTPResponseException():
            return NotTaken(f"the mail server answered {error.code}", again=error.code < _PERMANENT)
        case aiosmtplib.SMTPRecipientsRefused():
            codes = sorted({one.code for one in error.recipients})
            said = f"the mail server refused the recipients ({', '.join(map(str, codes))})"
            return NotTaken(said, after=0.0 if max(codes) < _PERMANENT else SET_UP_PAUSE)
        case _ if _about_the_certificate(error):
            return NotTaken("the mail server's certificate is not trusted, or is not for that host", after=SET_UP_PAUSE)
        case aiosmtplib.SMTPNotSupported():
            return NotTaken("the mail server offers no STARTTLS or no login that is known", after=SET_UP_PAUSE)
        case _:
            return NotTaken(f"the mail server was not reached ({type(error).__name__})")


def _about_the_certificate(error: BaseException) -> bool:
    """Whether this, or what led to it, is a certificate that was not trusted."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
