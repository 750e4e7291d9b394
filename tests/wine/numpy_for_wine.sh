#!/bin/bash
# Lets the lane's numpy find the complex functions that Wine lacks; see complex_math.c.
# usage: numpy_for_wine.sh PY        the folder of python.exe
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
module=$(echo "$1"/Lib/site-packages/numpy/_core/_multiarray_umath.*.pyd)
theirs=api-ms-win-crt-math-l1-1-0.dll ours=ccpor-wine-math.dll
built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
x86_64-w64-mingw32-gcc -O2 -Wall -Werror -c -o "$built/math.o" "$here/complex_math.c"
{
  echo "LIBRARY $ours"
  echo EXPORTS
  x86_64-w64-mingw32-objdump -p "$module" |
    awk -v dll="$theirs" '/DLL Name:/ { at = $3 == dll; next } at && NF == 3 && $1 ~ /^[0-9a-f]+$/ { print $3 }' |
    while read -r name; do
      if x86_64-w64-mingw32-nm "$built/math.o" | grep -q " T our_$name\$"; then echo "$name = our_$name"
      else echo "$name = ucrtbase.$name"; fi
    done
} >"$built/math.def"
x86_64-w64-mingw32-gcc -shared -static-libgcc -o "$1/$ours" "$built/math.o" "$built/math.def"
# The name in the import table, filled up with zeros to the length of the old one.
LC_ALL=C sed -i "s/${theirs//./\\.}\x00/$ours$(printf '\\x00%.0s' $(seq $((${#theirs} - ${#ours} + 1))))/" "$module"
