"""doctor: is the collector itself in order?"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from urllib.parse import urlsplit

import click
import sqlalchemy as sa

from ccpor_server import keys, lock
from ccpor_server.checkpoints import is_of_another_key
from ccpor_server.cli import door
from ccpor_server.settings import Settings
from ccpor_server.store import connect, migrate
from ccpor_server.store.log import signed_head

_FREE = 512 * 1024 * 1024  # below it a report storm can fill the disk
_Line = tuple[bool, str]


@click.command("doctor")
@door.told
def command() -> None:
    """Check settings, folder, key, database, disk, mail server, identity provider. Exit 0 or 1."""
    good = True
    for fine, text in _lines(door.settings()):
        good = good and fine
        click.echo(f"{'ok' if fine else 'NO'}  {text}")
    door.finish(good)


def _lines(settings: Settings) -> Iterator[_Line]:
    yield _folder(settings)
    yield _key(settings)
    yield from _database(settings)
    if settings.state_dir.is_dir():
        free = shutil.disk_usage(settings.state_dir).free
        yield free >= _FREE, f"disk: {free // 2**20} MiB free"
    if settings.smtp_url:
        yield _mail(settings)
    if settings.oidc_issuer:
        yield _provider(settings)
        running = lock.is_held(settings.lock_file)
        yield True, f"collector: {'running' if running else 'not running'}"


def _mail(settings: Settings) -> _Line:
    """Say whether the mail server lets us in; nothing is sent."""
    import smtplib

    from ccpor_server.mail.sending import MailUnusable, connected

    host = urlsplit(settings.smtp_url).hostname
    try:
        with connected(settings) as server:
            code, said = server.noop()
    except (OSError, smtplib.SMTPException, MailUnusable) as exc:
        return False, f"mail server: {host}: {exc}; see CCPOR_COLLECTOR_SMTP_URL"
    return code == 250, f"mail server: {host}: {code} {said.decode(errors='replace')}"


def _provider(settings: Settings) -> _Line:
    """Say whether the identity provider describes itself, and the table of groups reads."""
    from ccpor_server.oidc import Provider, ProviderUnusable

    provider = Provider(settings)
    try:
        issuer, groups = provider.metadata().issuer, provider.table()
    except ProviderUnusable as exc:
        return False, f"identity provider: {exc}"
    return True, f"identity provider: {issuer}, {len(groups)} groups have a role"


def _folder(settings: Settings) -> _Line:
    folder = settings.state_dir
    if not folder.is_dir():
        return False, f"folder: {folder} is not there; run ccpor-collector init"
    mode = folder.stat().st_mode & 0o777
    if mode & 0o022:
        return False, f"folder: others can write to {folder}; run chmod 700 {folder}"
    return True, f"folder: {folder}"


def _key(settings: Settings) -> _Line:
    try:
        return True, f"key: {keys.load(settings.key_file).key_id}"
    except keys.KeyUnusable as exc:
        return False, f"key: {exc}"


def _own_key(settings: Settings, url: sa.URL) -> Iterator[_Line]:
    """Say whether the key file is the one that signed this database's log."""
    engine = connect.reading_engine(url)
    try:
        with engine.connect() as db:
            foreign = is_of_another_key(signed_head(db), keys.load(settings.key_file))
    except (keys.KeyUnusable, sa.exc.DBAPIError):
        return  # told by the line of the key, or by quick_check
    finally:
        engine.dispose()
    if foreign:
        yield False, "key and database: another key signed this log; restore the key file"
    else:
        yield True, "key and database: belong together"


def _database(settings: Settings) -> Iterator[_Line]:
    try:
        url = connect.database_url(settings.database_url)
        migrate.require_newest(url)
    except (connect.DatabaseUnusable, migrate.SchemaUnknown) as exc:
        yield False, f"database: {exc}"
        return
    yield from _own_key(settings, url)
    yield True, f"database: {url.render_as_string(hide_password=True)}, schema {migrate.newest()}"
    if url.get_backend_name() != "sqlite":
        return
    yield True, f"sqlite: {sqlite3.sqlite_version}, journal {connect.journal_mode()}"
    engine = connect.reading_engine(url)
    try:
        with engine.connect() as db:
            said = db.execute(sa.text("PRAGMA quick_check")).scalar_one()
        yield said == "ok", f"quick_check: {said}"
    except sa.exc.DatabaseError:
        yield False, "quick_check: the file is not a database; restore a backup"
    finally:
        engine.dispose()
