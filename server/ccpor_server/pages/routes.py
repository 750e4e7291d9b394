"""The access table of the pages: what is not here is not reachable."""

from __future__ import annotations

from ccpor_server.access import PASSWORD_PATH, SIGN_IN_PATH, SIGN_OUT_PATH, Access, Endpoint, Entry
from ccpor_server.pages import (
    account,
    comparisons,
    drafts,
    exports,
    help_pages,
    incidents,
    item_work,
    notices,
    oidc_sign_in,
    onboarding,
    readers,
    sign_in,
    sign_off,
    statewide,
    trends,
    waiving,
    wizard,
    worklist,
)
from ccpor_server.pages import administration as adm
from ccpor_server.pages.capacity import capacity
from ccpor_server.pages.static import static_file
from ccpor_server.rights import Right


def _page(path: str, access: Access, endpoint: Endpoint) -> Entry:
    return Entry(path=path, methods=("GET",), access=access, endpoint=endpoint)


def _form(path: str, access: Access, endpoint: Endpoint) -> Entry:
    return Entry(path=path, methods=("POST",), access=access, endpoint=endpoint)


_COURT = "/courts/{court_id}"
_MANAGED = "/admin/courts/{court_id}"

PAGE_ENDPOINTS: tuple[Entry, ...] = (
    _page("/static/{name}", Access.PUBLIC, static_file),
    _page(SIGN_IN_PATH, Access.PUBLIC, sign_in.sign_in_form),
    _form(SIGN_IN_PATH, Access.PUBLIC, sign_in.sign_in),
    _form(f"{SIGN_IN_PATH}/code", Access.PUBLIC, sign_in.sign_in_code),
    _form(SIGN_OUT_PATH, Access.READER, sign_in.sign_out),
    _page(PASSWORD_PATH, Access.READER, sign_in.password_form),
    _form(PASSWORD_PATH, Access.READER, sign_in.change_password),
    _page("/", Access.READER, readers.board),
    _page(_COURT, Access.READER, readers.court),
    _page(f"{_COURT}/machines", Access.READER, readers.court_workstations),
    _page(f"{_COURT}/items/{{item_id}}", Access.READER, readers.item_form),
    Entry(
        path=f"{_COURT}/items/{{item_id}}",
        methods=("POST",),
        access=Access.READER,
        right=Right.ATTEST,
        endpoint=readers.item_declare,
    ),
    _page("/reports/{run_id}", Access.READER, readers.report_shown),
    _page("/capacity", Access.READER, capacity),
    _page("/admin/people", Access.ADMINISTRATOR, adm.people_list),
    _form("/admin/people", Access.ADMINISTRATOR, adm.person_add),
    _form("/admin/people/{person_id}/disable", Access.ADMINISTRATOR, adm.person_disable),
    _page("/admin/courts", Access.ADMINISTRATOR, adm.courts_list),
    _form("/admin/courts", Access.ADMINISTRATOR, adm.court_add),
    _page(_MANAGED, Access.ADMINISTRATOR, adm.court_form),
    _form(_MANAGED, Access.ADMINISTRATOR, adm.court_change),
    _form(f"{_MANAGED}/inventory", Access.ADMINISTRATOR, adm.inventory_declare),
    _page("/admin/codes", Access.ADMINISTRATOR, adm.codes_list),
    _form("/admin/codes", Access.ADMINISTRATOR, adm.code_add),
    _form("/admin/machines/{machine_id}/revoke", Access.ADMINISTRATOR, adm.machine_revoke),
    Entry(
        path="/admin/audit",
        methods=("GET",),
        access=Access.READER,
        right=Right.READ_AUDIT,
        endpoint=adm.audit_list,
    ),
    *onboarding.ENTRIES,
    *wizard.ENTRIES,
    *sign_off.ENTRIES,
    *item_work.ENTRIES,
    *waiving.ENTRIES,
    *incidents.ENTRIES,
    *worklist.ENTRIES,
    *statewide.ENTRIES,
    *trends.ENTRIES,
    *comparisons.ENTRIES,
    *exports.ENTRIES,
    *notices.ENTRIES,
    *account.ENTRIES,
    *oidc_sign_in.ENTRIES,
    *drafts.ENTRIES,
    *help_pages.ENTRIES,
)
