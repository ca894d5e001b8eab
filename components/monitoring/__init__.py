"""Who is told from outside when the site is down: UptimeRobot's monitors and Cloudflare's notifications."""

from components.monitoring.component import Monitoring, declare

__all__ = ["Monitoring", "declare"]
