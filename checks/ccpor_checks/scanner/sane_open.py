"""Opens one SANE device in a process of its own, since scanimage says "1" whatever went wrong.

In: the device's name, the one argument. Out: the exit code, 100 and the status (SANE standard
1.06, 4.2.7); 99: there is no libsane here. Nothing of this package is imported, to start fast.
"""

from __future__ import annotations

import ctypes
import os
import sys

BASE, NO_LIBRARY = 100, 99
LIBRARY = "libsane.so.1"
GOOD = 0


def open_status(name: str) -> int:
    """Return the status of sane_init, else that of sane_open.

    Raises:
        OSError: There is no libsane.
    """
    sane = ctypes.CDLL(LIBRARY)
    sane.sane_open.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_void_p)]
    sane.sane_close.argtypes = [ctypes.c_void_p]
    sane.sane_close.restype = None
    version, handle = ctypes.c_int(), ctypes.c_void_p()
    status = int(sane.sane_init(ctypes.byref(version), None))  # no callback: nobody to ask
    if status == GOOD:
        status = int(sane.sane_open(os.fsencode(name), ctypes.byref(handle)))
    if status == GOOD:
        sane.sane_close(handle)
    return status


def main() -> None:
    try:
        code = BASE + open_status(sys.argv[1])
    except OSError:
        code = NO_LIBRARY
    os._exit(code)  # sane_exit of a stuck backend may never return


if __name__ == "__main__":
    main()
