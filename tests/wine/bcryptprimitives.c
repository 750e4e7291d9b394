/* Wine 8 has no bcryptprimitives.dll; wheels built with Rust 1.78 or later (cryptography) import ProcessPrng
   from it. Lies beside python.exe of the test lane; never shipped. */
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG); /* RtlGenRandom */
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE place, SIZE_T size) {
    while (size) {
        ULONG part = size > 0x10000 ? 0x10000 : (ULONG)size;
        if (!SystemFunction036(place, part)) return FALSE;
        place += part;
        size -= part;
    }
    return TRUE;
}
