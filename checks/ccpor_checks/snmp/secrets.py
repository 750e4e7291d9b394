"""Who asks: community or user with passwords, from the files that the profile names.

Nothing here is kept, shown or logged.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ccpor_checks.base import CannotObserve, Context
from ccpor_checks.kit.os_errors import error_name
from ccpor_checks.snmp.evidence import Auth, Priv, SnmpOptions, Version

MOST_BYTES = 4096
SHORTEST_PASSWORD = 8  # RFC 3414 section 11.2


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request is signed with; equal ones share one engine. Its repr shows no secret."""

    version: Version
    user: str = ""
    auth: Auth | None = None  # None: not signed
    priv: Priv | None = None  # None: not encrypted
    community: str = field(default="", repr=False)
    auth_password: str = field(default="", repr=False)
    priv_password: str = field(default="", repr=False)


def read_credentials(options: SnmpOptions, ctx: Context) -> Credentials:
    """Return what *options* point at.

    Raises:
        CannotObserve: The profile names nobody, or a file gives no usable secret.
    """
    if options.version == "v2c":
        if options.community_file is None:
            raise CannotObserve("the profile names no community; write snmp.community_file")
        return Credentials("v2c", community=_read("community", options.community_file, ctx))
    if options.user is None:
        raise CannotObserve(
            "the profile names nobody who asks; write snmp.user, auth_file and priv_file, "
            'or version = "v2c" and community_file'
        )
    return Credentials(
        "v3",
        user=options.user,
        auth=options.auth if options.auth_file else None,
        priv=options.priv if options.priv_file else None,
        auth_password=_password(options.auth_file, ctx) if options.auth_file else "",
        priv_password=_password(options.priv_file, ctx) if options.priv_file else "",
    )


def _password(name: str, ctx: Context) -> str:
    password = _read("password", name, ctx)
    if len(password.encode()) < SHORTEST_PASSWORD:
        raise CannotObserve(
            f"the password in {name} is shorter than {SHORTEST_PASSWORD} characters, "
            "which SNMP v3 does not allow; set a longer one here and on the device"
        )
    return password


def _read(what: str, name: str, ctx: Context) -> str:
    path = ctx.file(name)
    try:
        if path.exists() and not path.is_file():  # a folder, or a pipe that nobody writes to
            raise IsADirectoryError
        with path.open("rb") as file:
            text = file.read(MOST_BYTES).decode("utf-8-sig")
    except OSError as exc:
        why = error_name(exc.errno) or type(exc).__name__
        raise CannotObserve(f"the {what} file {name} cannot be read ({why})") from None
    except UnicodeDecodeError:
        # from None: the error's own text would quote what stands in the file
        raise CannotObserve(f"the {what} file {name} is no text; save it as UTF-8") from None
    secret = text.removesuffix("\n").removesuffix("\r")
    if not secret:
        raise CannotObserve(f"the {what} file {name} is empty")
    return secret
