#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Four guests and two programs on the host send to each other all the time, while
# all but node01 are killed, rebooted, reloaded, unbound, put to sleep and stopped,
# each by a job of its own.  Between those who live no message is lost or doubled,
# and whoever comes back talks with all others.
#
# SOAK_SECONDS: how long; SOAK_SEED: what is random in it (default: random, too)

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"

clients=20
socket=$FAMEZ_VM_DIR/switch.sock
nodes='node01 node02 node03 node04'
peers="$nodes soak5 soak6"
seed=${SOAK_SEED:-$RANDOM}

# guest NODE COMMAND: what its console says is judged elsewhere
guest() {
	vm exec --timeout 600 -n --ignore-console "$@"
}

judge() {
	"$bin/soak-judge" -d "$socket" "$@"
}

# nap MILLISECONDS: at most; part of the play, nothing is waited for
nap() {
	local ms=$((RANDOM % $1))

	sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
}

# moves PEER: messages come both ways between it and each other that is not away
moves() {
	# shellcheck disable=SC2046
	judge -a "$tmp" moves "$1" $(echo "$peers" | tr ' ' '\n' | grep -v "$1")
}

# ---- Peers ----

# begin PEER: its program
begin() {
	case $1 in
	node*) guest "$1" "setsid famez-soak -s $RANDOM </dev/null >/tmp/soak 2>&1 &" ;;
	*)
		FAMEZ_NAME=$1 "$bin/famez-soak" -d "$socket" -s "$RANDOM" >>"$tmp/$1.log" 2>&1 &
		echo $! >"$tmp/$1.pid"
		;;
	esac
}

# stop NODE: its program is killed, and its driver unloaded
stop() {
	guest "$1" 'kill -9 $(pidof famez-soak)
while pidof famez-soak >/dev/null; do usleep 10000; done
rmmod famez_bridge'
}

# newborn NODE: it has booted again
newborn() {
	until guest "$1" '[ ! -e /tmp/soak ]'; do :; done
	insert "$1" && begin "$1"
}

insert() {
	guest "$1" insmod /famez/famez_bridge.ko
}

# clean NODE: its kernel has not complained, but of our own panics
clean() {
	! grep -aEv 'Spectre V2|stall_timeout' "$FAMEZ_VM_DIR/$1/console.log" |
		grep -E -A 25 'BUG:|WARNING:|Oops|protection fault|blocked for more|stall|lockup|UBSAN|KASAN|corruption|refcount_t|segfault' >&2
}

# ---- What befalls them ----

reload() {
	stop "$1" && insert "$1" && begin "$1"
}

unbind() {
	guest "$1" 'cd /sys/bus/pci/drivers/famez_bridge && device=$(echo 0000:*)
echo $device >unbind && while pidof famez-soak >/dev/null; do usleep 10000; done
echo $device >bind' && begin "$1"
}

sleeps() {
	guest "$1" 'setsid sh -c "echo mem >/sys/power/state" </dev/null >/dev/null 2>&1 &'
	until vm qmp "$1" query-status | grep -q suspended; do :; done
	nap 2000
	vm qmp "$1" system_wakeup >/dev/null && guest "$1" true
}

reboots() {
	guest "$1" 'reboot -f' >/dev/null 2>&1
	newborn "$1"
}

resets() {
	vm qmp "$1" system_reset >/dev/null && newborn "$1"
}

# the command that starts it is to have ended by then
panics() {
	local console=$FAMEZ_VM_DIR/$1/console.log
	local end='end Kernel panic - not syncing: sysrq' before

	before=$(grep -ac "$end" "$console")
	guest "$1" 'setsid sh -c "usleep 300000; echo c >/proc/sysrq-trigger" </dev/null >/dev/null 2>&1 &'
	"$bin/wire-wait" -t 600 "$console" "$end" $((before + 1)) >/dev/null
	nap 2000
	resets "$1"
}

dies() {
	clean "$1" || return
	kill -9 "$(cut -d' ' -f1 "$FAMEZ_VM_DIR/$1/qemu.pid")"
	vm down "$1" >/dev/null &&
		vm up 1 --first "${1#node0}" --initramfs "$image" >/dev/null &&
		newborn "$1"
}

killed() {
	kill -9 "$(cat "$tmp/$1.pid")"
	wait "$(cat "$tmp/$1.pid")" 2>/dev/null
	begin "$1"
}

stopped() {
	kill -STOP "$(cat "$tmp/$1.pid")"
	nap 3000
	kill -CONT "$(cat "$tmp/$1.pid")"
}

# befall PEER MILLISECONDS WAY...: one after the other, until the time is over;
# sometimes while it has not even talked yet
befall() {
	local peer=$1 ms=$2 way
	shift 2

	RANDOM=$((seed + ${peer: -1}))
	while [ $SECONDS -lt "$finish" ]; do
		nap "$ms"
		way=${!#}
		[ $# -gt 1 ] && way=$(eval "echo \${$((RANDOM % $# + 1))}")
		echo "$((SECONDS - began)) s: $peer $way"
		: >"$tmp/$peer.away"
		"$way" "$peer" || {
			echo "# $peer did not come back after: $way"
			return 1
		}
		rm "$tmp/$peer.away"
		[ $((RANDOM % 3)) -eq 0 ] || moves "$peer" || return
	done
	moves "$peer"
}

# ---- What must be as it was ----

# memory NODE: what its kernel has allocated, in kB
memory() {
	guest "$1" 'sync; echo 3 >/proc/sys/vm/drop_caches; awk "/^Slab:|^VmallocUsed:/ { n += \$2 } END { print n }" /proc/meminfo'
}

# alone: nobody but the peers is with the switch
alone() {
	until [ $(($(grep -c ' joined: ' "$FAMEZ_VM_DIR/switch.log") - $(grep -c ' free$' "$FAMEZ_VM_DIR/switch.log"))) -eq 6 ]; do
		sleep 0.1
	done
}

switch_pid() {
	cut -d' ' -f1 "$FAMEZ_VM_DIR/switch.pid"
}

descriptors() {
	alone
	find "/proc/$(switch_pid)/fd" -type l | wc -l
}

switch_memory() {
	awk '/^RssAnon:/ { print $2 }' "/proc/$(switch_pid)/status"
}

end() {
	local p

	for p in "${jobs[@]}" $(cat "$tmp"/*.pid 2>/dev/null); do
		kill -9 "$p"
		wait "$p"
	done 2>/dev/null
	bring_down
}
jobs=()
trap end EXIT

# ---- The soak ----

echo "# SOAK_SEED=$seed SOAK_SECONDS=$SOAK_SECONDS"
RANDOM=$seed
# what the switch's sanitizer keeps of what was freed would be taken for a leak
export ASAN_OPTIONS=quarantine_size_mb=1
boot 4 --clients $clients
load; ok 'the driver loads in four guests'
begin soak5
begin soak6
# every id there is has been taken once: what is kept for it is no leak
for ((i = 7; i <= clients; i++)); do
	start "id$i" "$tools/famezctl" -d "$socket" monitor
done
switch_says "peer $clients up"; ok 'all ids are in use'
for ((i = 7; i <= clients; i++)); do
	crash "id$i"
done
for node in $nodes; do
	begin "$node"
done
for peer in $peers; do
	moves "$peer" || break
done
ok 'messages go from each to each'
# without our driver, as at the end
for node in node01 node02; do
	stop $node
	declare "before_$node=$(memory $node)"
	insert $node && begin $node
done
for peer in $peers; do
	moves "$peer" || break
done
fds=$(descriptors)
rss=$(switch_memory)

began=$SECONDS
finish=$((SECONDS + SOAK_SECONDS))
befall node02 8000 reload unbind sleeps &
jobs+=($!)
befall node03 8000 reload unbind sleeps reboots panics resets dies &
jobs+=($!)
befall node04 8000 reload unbind sleeps reboots panics resets dies &
jobs+=($!)
befall soak5 5000 killed stopped &
jobs+=($!)
befall soak6 5000 killed stopped &
jobs+=($!)
while sleep 30; do judge report; done &
reporter=$!
failed=0
for job in "${jobs[@]}"; do
	wait "$job" || failed=1
done
kill $reporter
[ $failed -eq 0 ]; ok 'whoever came back talked with all others'
# shellcheck disable=SC2086
judge verdict $peers; ok 'no message was lost or doubled between those who lived'
[ "$(descriptors)" -eq "$fds" ]; ok "the switch holds $fds descriptors, as before"
now=$(switch_memory)
# what a command in the text of ok returns would be what is judged
[ $((now - rss)) -lt 4096 ]
ok "the switch's memory is as before ($rss kB, then $now kB)"
for node in node01 node02; do
	before="before_$node"
	stop $node
	after=$(memory $node)
	[ $((after - ${!before})) -lt 4096 ]
	ok "$node: kernel memory is as before (${!before} kB, then $after kB)"
done
vm check node01 && vm check node02 && clean node03 && clean node04
ok 'no kernel has complained but of our own panics'
plan_complete
