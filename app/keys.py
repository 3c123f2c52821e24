"""The installation's key pair for development tokens, and its other secrets, kept in the data folder."""

import secrets
from collections.abc import Collection
from pathlib import Path

import msgspec

from app.folder import write_private
from app.settings import Settings
from gateway.auth import SCOPES, Role, issue_token, new_key_pair
from orders.errors import NotFoundError, RejectedError, StartError

WEEK = 7 * 24 * 3600.0
_SCOPED = {Role.CUSTOMER: "customers' numbers", Role.CHANNEL: "channels", Role.PARTNER: "names of sources"}


def public_key_path(data: Path) -> Path:
    return data / "keys" / "public.pem"


def keys_folder(data: Path) -> Path:
    folder = data / "keys"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def ensure_keys(data: Path) -> None:
    """Make the pair once."""
    folder = keys_folder(data)
    if not (folder / "public.pem").exists():
        private, public = new_key_pair()
        write_private(folder / "private.pem", private.encode())
        write_private(folder / "public.pem", public.encode())


def token(data: Path, subject: str, role: str, lifetime: float = WEEK, scope: Collection[str] = ()) -> str:
    """A token that this installation accepts; `lifetime` in seconds, `scope` as in gateway.auth.SCOPES.

    Raises StartError, RejectedError as `role_of`, and NotFoundError for a partner that is no source here.
    """
    if role_of(role, scope) is Role.PARTNER:
        known_sources(data, scope)
    try:
        return issue_token((data / "keys" / "private.pem").read_text(), subject, role, lifetime, scope)
    except FileNotFoundError:
        raise StartError(f"{data} holds no key yet; start `milepost up` or `milepost demo` with it first") from None
    except ValueError as error:
        raise StartError(f"no token for the role {role}: {error}") from None


def role_of(name: str, scope: Collection[str]) -> Role:
    """Raises RejectedError for a role that there is not, or with a scope that is not for it."""
    try:
        role = Role(name)
    except ValueError:
        raise RejectedError(f"there is no role {name}; there are {', '.join(Role)}") from None
    if bool(scope) != (role in SCOPES):
        need = f"needs --scope: {_SCOPED[role]}" if role in SCOPES else "sees everything and takes no --scope"
        raise RejectedError(f"the role {name} {need}")
    return role


def known_sources(data: Path, names: Collection[str]) -> None:
    """Raises NotFoundError when one is none of this installation's, which would see nothing; StartError."""
    known = [source.name for source in Settings.load(data).sources]
    if unknown := sorted(set(names) - {*known}):
        raise NotFoundError(f"there is no source {', '.join(unknown)}: name one of {', '.join(known)}")


def passwords(data: Path, names: tuple[str, ...]) -> dict[str, str]:
    """Random once, the same ever after."""
    path = keys_folder(data) / "passwords.json"
    known: dict[str, str] = msgspec.json.decode(path.read_bytes()) if path.exists() else {}
    fresh = {name: secrets.token_urlsafe(24) for name in names if name not in known}
    if fresh:
        known |= fresh
        write_private(path, msgspec.json.encode(known))
    return known
