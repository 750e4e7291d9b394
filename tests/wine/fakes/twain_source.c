/* A TWAIN data source for the tests: lists itself, negotiates, and feeds pages from a BMP file. By the environment:
   FAKE_TWAIN_NAME, FAKE_TWAIN_MAKER   its identity
   FAKE_TWAIN_PAGE                     the BMP that every sheet shows
   FAKE_TWAIN_SHEETS                   sheets in the feeder, 2 without it
   FAKE_TWAIN_LOG                      a file that gets one line for each capability set
   FAKE_TWAIN_FAULT                    what goes wrong, see `is_fault`; JAM, CRASHSCAN and HANGSCAN at the second sheet
   Source: TWAIN specification 2.4, chapters 5 to 10. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#pragma pack(push, 2)
typedef struct { WORD Major, Minor, Language, Country; char Info[34]; } Version;
typedef struct {
    DWORD Id; Version Version; WORD ProtocolMajor, ProtocolMinor; DWORD Groups;
    char Maker[34], Family[34], Name[34];
} Identity;
typedef struct { WORD Cap, Form; HGLOBAL Container; } Capability;
typedef struct { WORD Type; DWORD Item; } OneValue;
typedef struct { WORD Type; DWORD Count, Current, Default; WORD Items[3]; } Choice;
typedef struct { WORD Type; DWORD Min, Max, Step, Default, Current; } Range;
typedef struct { MSG *Event; WORD Message; } Event;
typedef struct { WORD Count; DWORD Rest; } Pending;
typedef struct { WORD Condition, Extra; } Status;
typedef struct { WORD Show, Modal; HANDLE Parent; } Interface;
#pragma pack(pop)
typedef WORD(WINAPI *Manager)(Identity *, Identity *, DWORD, WORD, WORD, void *);

enum { CONTROL = 1, IMAGE = 2, CAPABILITY = 1, EVENT = 2, IDENTITY = 3, PENDING = 5, STATUS = 8, DISPLAY = 9, NATIVE = 0x104 };
enum { GET = 1, GETCURRENT = 2, SET = 6, RESET = 7, XFERREADY = 0x101, OPENDS = 0x401, CLOSEDS = 0x402, DISABLEDS = 0x501,
       ENABLEDS = 0x502, PROCESSEVENT = 0x601, ENDXFER = 0x701 };
enum { GOOD = 0, FAILURE = 1, DSEVENT = 4, NOTDSEVENT = 5, XFERDONE = 6 };
enum { BUMMER = 1, MAXCONNECTIONS = 4, BADCAP = 6, CAPUNSUPPORTED = 13, PAPERJAM = 20, ONLINE = 23, INTERLOCK = 24, NOMEDIA = 29 };
enum { XFERCOUNT = 1, PIXELTYPE = 0x101, UNITS = 0x102, XFERMECH = 0x103, FEEDERENABLED = 0x1002, FEEDERLOADED = 0x1003,
       INDICATORS = 0x100b, PAPERDETECTABLE = 0x100d, DEVICEONLINE = 0x100f, XRESOLUTION = 0x1118, YRESOLUTION = 0x1119 };

static Identity us, them;
static WORD condition;
static int left_in_feeder, fed, is_ready, has_feeder = 1, dpi = 300;
static HWND window;

static const char *setting(const char *name, const char *otherwise, char *room, DWORD size) {
    if (!GetEnvironmentVariableA(name, room, size)) strncpy(room, otherwise, size - 1);
    return room;
}
static int is_fault(const char *name) { /* OFFLINE BUSY COVER EMPTY JAM CRASH HANG CRASHSCAN HANGSCAN NEVER HUGE SHORT */
    char room[40] = "";
    return !strcmp(setting("FAKE_TWAIN_FAULT", "", room, sizeof room), name);
}
static WORD fail(WORD why) { condition = why; return FAILURE; }
static void crash(void) { *(volatile int *)0 = 1; }

static void note(WORD cap, DWORD value) {
    char path[600] = "";
    FILE *log;
    setting("FAKE_TWAIN_LOG", "", path, sizeof path);
    if (*path && (log = fopen(path, "a"))) { fprintf(log, "%04x=%lu\n", cap, (unsigned long)value); fclose(log); }
}
static WORD one(Capability *asked, WORD type, DWORD value) {
    OneValue *told;
    asked->Form = 5;
    asked->Container = GlobalAlloc(GHND, sizeof *told);
    told = GlobalLock(asked->Container);
    told->Type = type; told->Item = value;
    GlobalUnlock(asked->Container);
    return GOOD;
}
static WORD tell(Capability *asked) {
    switch (asked->Cap) {
    case FEEDERENABLED: return one(asked, 6, has_feeder);
    case FEEDERLOADED: return one(asked, 6, left_in_feeder > 0);
    case PAPERDETECTABLE: return one(asked, 6, 1);
    case DEVICEONLINE: return one(asked, 6, !is_fault("OFFLINE"));
    case XFERCOUNT: return one(asked, 1, 0xffff);
    case PIXELTYPE: {
        Choice *told;
        asked->Form = 4;
        asked->Container = GlobalAlloc(GHND, sizeof *told);
        told = GlobalLock(asked->Container);
        told->Type = 4; told->Count = 3; told->Items[1] = 1; told->Items[2] = 2;
        GlobalUnlock(asked->Container);
        return GOOD;
    }
    case XRESOLUTION: case YRESOLUTION: {
        Range *told;
        asked->Form = 6;
        asked->Container = GlobalAlloc(GHND, sizeof *told);
        told = GlobalLock(asked->Container);
        told->Type = 7; told->Min = 75; told->Max = 600; told->Step = 25; told->Default = 200; told->Current = dpi;
        GlobalUnlock(asked->Container);
        return GOOD;
    }
    default: return fail(CAPUNSUPPORTED);
    }
}
static WORD take(Capability *asked) {
    OneValue *told = GlobalLock(asked->Container);
    DWORD value = told ? told->Item : 0;
    if (told) GlobalUnlock(asked->Container);
    if (!told || asked->Form != 5) return fail(BADCAP);
    note(asked->Cap, value);
    switch (asked->Cap) {
    case XFERCOUNT: case PIXELTYPE: case UNITS: case XFERMECH: case INDICATORS: return GOOD;
    case FEEDERENABLED: has_feeder = value != 0; return GOOD;
    case XRESOLUTION: case YRESOLUTION: dpi = value & 0xffff; return GOOD;
    default: return fail(CAPUNSUPPORTED);
    }
}
static WORD begin(Interface *asked) {
    Manager manager = NULL;
    HMODULE dsm = GetModuleHandleA("twaindsm.dll");
    if (is_fault("OFFLINE")) return fail(ONLINE);
    if (is_fault("COVER")) return fail(INTERLOCK);
    if (asked->Show) return fail(BUMMER); /* there is no window to show */
    if (has_feeder && !left_in_feeder) return fail(NOMEDIA);
    if (is_fault("NEVER")) return GOOD;
    window = asked->Parent;
    is_ready = 1;
    if (!dsm) dsm = GetModuleHandleA("twain_32.dll");
    if (dsm) manager = (Manager)(void *)GetProcAddress(dsm, "DSM_Entry");
    if (manager && manager(&us, &them, CONTROL, 0, XFERREADY, NULL) == GOOD) is_ready = 0;
    else PostMessageA(window, WM_USER, 0, 0); /* a manager of version 1 knows no such call */
    return GOOD;
}
static WORD give(HGLOBAL *sheet) {
    char path[600] = "";
    BITMAPFILEHEADER head;
    FILE *file;
    long size;
    if (fed == 1 && is_fault("JAM")) return fail(PAPERJAM);
    if (fed == 1 && is_fault("CRASHSCAN")) crash();
    if (fed == 1 && is_fault("HANGSCAN")) Sleep(INFINITE);
    file = fopen(setting("FAKE_TWAIN_PAGE", "", path, sizeof path), "rb");
    if (!file) return fail(BUMMER);
    fseek(file, 0, SEEK_END);
    size = ftell(file) - (long)sizeof head;
    fseek(file, sizeof head, SEEK_SET);
    *sheet = GlobalAlloc(GHND, size);
    BITMAPINFOHEADER *picture = GlobalLock(*sheet);
    size_t got = fread(picture, 1, size, file);
    fclose(file);
    picture->biXPelsPerMeter = picture->biYPelsPerMeter = (LONG)(dpi / 0.0254 + 0.5);
    if (is_fault("HUGE")) picture->biWidth = picture->biHeight = 2000000;
    if (is_fault("SHORT")) picture->biHeight *= 3;
    GlobalUnlock(*sheet);
    if (got != (size_t)size) return fail(BUMMER);
    fed++;
    return XFERDONE;
}
static WORD identity(WORD message, Identity *place) {
    char sheets[12] = "";
    switch (message) {
    case GET: {
        DWORD id = place->Id;
        memset(place, 0, sizeof *place);
        place->Id = id; place->Version.Major = 3; place->Version.Minor = 7; place->ProtocolMajor = 2; place->ProtocolMinor = 4;
        place->Groups = CONTROL | IMAGE; strcpy(place->Version.Info, "fake 3.7"); strcpy(place->Family, "fi Series");
        setting("FAKE_TWAIN_MAKER", "Ricoh", place->Maker, 33);
        setting("FAKE_TWAIN_NAME", "PaperStream fi-8170 (fake)", place->Name, 33);
        return GOOD;
    }
    case OPENDS:
        if (is_fault("CRASH")) crash();
        if (is_fault("HANG")) Sleep(INFINITE);
        if (is_fault("BUSY")) return fail(MAXCONNECTIONS);
        us = *place;
        left_in_feeder = is_fault("EMPTY") ? 0 : atoi(setting("FAKE_TWAIN_SHEETS", "2", sheets, sizeof sheets));
        fed = is_ready = 0;
        return GOOD;
    case CLOSEDS: return GOOD;
    default: return fail(BUMMER);
    }
}
static WORD control(WORD what, WORD message, void *data) {
    if (what == IDENTITY) return identity(message, data);
    if (what == STATUS) { ((Status *)data)->Condition = condition; condition = 0; return GOOD; }
    if (what == CAPABILITY && (message == GET || message == GETCURRENT)) return tell(data);
    if (what == CAPABILITY && message == SET) return take(data);
    if (what == DISPLAY && message == ENABLEDS) return begin(data);
    if (what == DISPLAY && message == DISABLEDS) return GOOD;
    if (what == EVENT && message == PROCESSEVENT) {
        Event *event = data;
        event->Message = is_ready ? XFERREADY : 0;
        if (!is_ready) return NOTDSEVENT;
        is_ready = 0;
        return DSEVENT;
    }
    if (what == PENDING && message == ENDXFER) {
        if (left_in_feeder > 0) left_in_feeder--;
        ((Pending *)data)->Count = has_feeder ? left_in_feeder : 0;
        return GOOD;
    }
    if (what == PENDING && message == RESET) { ((Pending *)data)->Count = 0; return GOOD; }
    return fail(9); /* bad protocol */
}
__declspec(dllexport) WORD WINAPI DS_Entry(Identity *origin, DWORD group, WORD what, WORD message, void *data) {
    if (origin && what == IDENTITY && message == OPENDS) them = *origin;
    if (group == IMAGE && what == NATIVE && message == GET) return give(data);
    return group == CONTROL ? control(what, message, data) : fail(9);
}
BOOL WINAPI DllMain(HINSTANCE self, DWORD why, LPVOID more) { return TRUE; }
