"""Which file names may be published: the same file must be reachable by the same URL on every platform.

Git's housekeeping is left out; secrets, droppings of editors and files that steer a single platform are refused.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from website.errors import printable

RULE_FILES: Final = ("_redirects", "_headers")
RELEASE_FILE: Final = ".well-known/release.json"

_TAKE_OUT: Final = "Take it out of the content, and replace the secret if it was ever published."
_REMOVE: Final = "Delete it from the content."
_USE_RULES: Final = "Write redirects into _redirects and headers into _headers instead: those reach every platform."

#: Cheap first look that lets ordinary names through; what it catches is looked at in detail.
_SUSPECT: Final = re.compile(
    r"[^A-Za-z0-9_.\-]|^[._]|^~|\.$|^id_|^(con|prn|aux|nul|com.|lpt.)(\.|$)|^(thumbs\.db|desktop\.ini)$"
    r"|^(netlify|vercel|firebase|wrangler|web|staticwebapp)\.|^functions$|^cdn-cgi$|^pulumi"
    r"|\.(pem|key|p12|pfx|ppk|jks|keystore|kdbx|sw[a-p])$",
    re.IGNORECASE,
)

_WINDOWS: Final = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(\..*)?")
_SECRETS: Final = re.compile(
    r"\.env.*|\.htpasswd|\.htdigest|\.npmrc|\.yarnrc\.yml|\.pypirc|\.netrc|\.pgpass|\.my\.cnf|\.git-credentials|\.dockercfg"
    r"|\.s3cfg|\.ssh|\.aws|\.azure|\.gnupg|\.docker|\.kube|\.config"
)
_KEYS: Final = re.compile(r"id_(rsa|dsa|ecdsa|ed25519)(_sk)?|.*\.(pem|key|p12|pfx|ppk|jks|keystore|kdbx)")
_STACK: Final = re.compile(r"pulumi(\..+)?\.ya?ml")
_DROPPINGS: Final = re.compile(
    r".*~|~\$.*|.*\.sw[a-p]|\.ds_store|\._.*|__macosx|thumbs\.db|desktop\.ini|\.idea|\.vscode|\.hg|\.svn|\.directory"
)
_CONTROL_ANYWHERE: Final = {
    ".htaccess": "Apache",
    "web.config": "IIS",
    "staticwebapp.config.json": "Azure Static Web Apps",
    ".firebaserc": "Firebase",
}
_CONTROL_AT_ROOT: Final = {
    "netlify.toml": "Netlify",
    ".netlify": "Netlify",
    "vercel.json": "Vercel",
    ".vercel": "Vercel",
    "firebase.json": "Firebase",
    "wrangler.toml": "Cloudflare",
    "_worker.js": "Cloudflare Pages",
    "_routes.json": "Cloudflare Pages",
    "functions": "Cloudflare Pages",
}
#: URL prefixes that a platform keeps for itself, so that content under them would be missing there.
#: https://firebase.google.com/docs/hosting/reserved-urls https://developers.cloudflare.com/fundamentals/reference/cdn-cgi-endpoint/
_RESERVED_AT_ROOT: Final = {
    "__": "Firebase",
    "cdn-cgi": "Cloudflare",
    "_vercel": "Vercel",
    ".auth": "Azure Static Web Apps",
}


def is_housekeeping(name: str) -> bool:
    """Tell whether a name is Git's or its host's own (``.git``, ``.gitignore``, ``.github``): not published."""
    return name.startswith(".git") and name != ".git-credentials"


def name_problem(name: str, parent: str) -> str | None:
    """Say what is wrong with the name of a file or folder, or None.

    ``parent`` is the folder's path in the site, empty at the top. The text says why and what to do.
    """
    if not _SUSPECT.search(name):
        return None
    return _spelling_problem(name) or _secret_problem(name) or _control_problem(name, parent)


def _spelling_problem(name: str) -> str | None:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return "the name is not UTF-8, so it has no URL. Rename it."
    if not unicodedata.is_normalized("NFC", name):
        composed = printable(unicodedata.normalize("NFC", name))
        return (
            f"the name is not in Unicode form NFC (as macOS writes names). Rename it to {composed}, e.g. with convmv."
        )
    for char in name:
        reason = _character_problem(char)
        if reason:
            return f"{reason}. Rename it."
    if name.endswith((".", " ")) or name.startswith(" "):
        return "a name cannot begin with a space or end with a space or a dot: some platforms drop it. Rename it."
    if re.search(r"%[0-9A-Fa-f]{2}", name):
        return "the name looks percent-encoded, and platforms differ in decoding it. Rename it to what it stands for."
    if _WINDOWS.fullmatch(name.lower()):
        return "the name is reserved on Windows, so nobody could check the content out there. Rename it."
    return None


def _character_problem(char: str) -> str | None:
    if char in "#?":
        return f"{char!r} in a name ends the path of a URL, so the file could not be reached"
    if char in "\\*":
        return f"{char!r} in a name is a separator or a wildcard on some platforms"
    if unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp"}:
        return f"the name holds the invisible character U+{ord(char):04X}"
    return None


def _secret_problem(name: str) -> str | None:
    low = name.lower()
    if _SECRETS.fullmatch(low):
        return f"files of this name hold secrets. {_TAKE_OUT}"
    if _KEYS.fullmatch(low):
        return f"files of this name hold private keys. {_TAKE_OUT} A public certificate can be renamed to .crt."
    if _STACK.fullmatch(low):
        return f"this is the configuration of a Pulumi stack, not a page. {_REMOVE}"
    if _DROPPINGS.fullmatch(low):
        return f"an editor, a desktop or a version control system left this behind. {_REMOVE}"
    return None


def _control_problem(name: str, parent: str) -> str | None:
    low = name.lower()
    platform = _CONTROL_ANYWHERE.get(low) or (None if parent else _CONTROL_AT_ROOT.get(low))
    if platform:
        return f"this steers {platform} and would change that platform only. Delete or rename it. {_USE_RULES}"
    if parent and low in RULE_FILES:
        return f"{low} is only read at the top of the site, so these rules would have no effect. Move them there."
    if not parent and low in RULE_FILES and low != name:
        return f"the name must be written {low}, else its rules have no effect. Rename it."
    reserved = None if parent else _RESERVED_AT_ROOT.get(low)
    if reserved:
        return f"{reserved} keeps URLs under /{low}/ for itself, so the file would be missing there. Rename the folder."
    return None


class Collisions:
    """Finds names that are one and the same on platforms and disks that ignore case."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}

    def problem(self, path: str) -> str | None:
        """Say which earlier file or folder ``path`` collides with, or None; then remember it."""
        folded = unicodedata.normalize("NFC", path.casefold()) if not path.isascii() else path.lower()
        other = self._seen.setdefault(folded, path)
        if other == path:
            return None
        return f"differs from {printable(other)} only in case, and some platforms would serve one for both. Rename one."
