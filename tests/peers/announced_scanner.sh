#!/bin/bash
# Our eSCL server announced by mDNS in a network of its own, and found there by airscan-discover, which
# asks avahi. usage (as root): unshare --net --mount --pid --fork --kill-child announced_scanner.sh DIR PYTHON
# DIR: an empty folder for sockets and configuration. PYTHON: one that finds tests.peers. All ends with it.
set -eu
folder=$1 python=$2 address=198.51.100.10   # TEST-NET-2
ip link set lo up
ip link add scan0 type veth peer name scan1
ip addr add $address/24 dev scan0
ip link set scan1 up
ip link set scan0 up multicast on
ip route add 224.0.0.0/4 dev scan0
mkdir -p /run/avahi-daemon
mount -t tmpfs none /run/avahi-daemon   # this mount namespace's own
cat >"$folder/bus.conf" <<X
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=$folder/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="*"/><allow receive_type="*"/>
<allow send_destination="*"/></policy></busconfig>
X
cat >"$folder/avahi.conf" <<X
[server]
host-name=scan-station
use-ipv6=no
allow-interfaces=scan0
[publish]
disable-publishing=yes
[wide-area]
enable-wide-area=no
X
echo airscan >"$folder/dll.conf"
echo '[options]' >"$folder/airscan.conf"
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$folder/bus
dbus-daemon --config-file="$folder/bus.conf" --nofork --nopidfile >&2 &
for _try in $(seq 100); do [ -S "$folder/bus" ] && break; sleep 0.1; done
avahi-daemon --no-drop-root --no-chroot --no-rlimits --no-proc-title -f "$folder/avahi.conf" >&2 &
"$python" -m tests.peers.escl_server --host $address --port 8090 --publish >"$folder/server.log" &
for _try in $(seq 100); do grep -q "a scanner at" "$folder/server.log" && break; sleep 0.1; done
for _try in 1 2 3; do
  SANE_CONFIG_DIR=$folder airscan-discover | tee "$folder/found"
  grep -q 8090 "$folder/found" && break
done
