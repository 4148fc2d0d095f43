#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# bench.sh [--quick] [FILE]: measures messages, and rings in FAM, between two guests, and
# TCP between the same; prints a table, and writes FILE, by default build/bench.json. --quick:
# just enough of each to see that it works. It fails when something is broken,
# never for being slow.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests/guests.sh"

count=2000 runs=7 crowd=200 idle_seconds=10
if [ "${1-}" = --quick ]; then
	count=50 runs=2 crowd=20 idle_seconds=1
	shift
fi
output=${1:-$top/build/bench.json}
results=$tmp/results
mkdir "$results"

say() {
	echo "bench: $*" >&2
}

# fail TEXT: the fabric goes down by the trap of guests.sh
fail() {
	say "$*"
	exit 1
}

about() {
	echo "guests: 2, Linux $FAMEZ_KERNEL, ${FAMEZ_CPUS:-1} CPU each, ACCEL=${ACCEL:-tcg}"
	echo "host: $("${QEMU:-qemu-system-x86_64}" --version | sed -n '1s/.*version \([^ ]*\).*/QEMU \1/p'), $(nproc) CPUs"
	echo "load: $(cut -d' ' -f1 /proc/loadavg) before it began"
	awk '$1 > 1 { print "note: others use this machine, and each figure wobbles: see the runs" }' /proc/loadavg
}

# ---- two guests, on two fabrics and a network ----

# A switch that is asked to end leaves no memory behind.
end() {
	[ -z "${pid[crowd-switch]-}" ] || {
		kill "${pid[crowd-switch]}"
		ends crowd-switch
	}
	bring_down
}
trap end EXIT

# The second fabric has room for a crowd; 8 KiB a ring is enough for what is
# measured there.
crowd_switch() {
	start crowd-switch "$tools/famez-server" --socket "$tmp/crowd.sock" --quiet \
		--backing "famez-bench.$$" --size 512M --clients $((crowd + 2)) --vectors 1
	until [ -S "$tmp/crowd.sock" ]; do
		kill -0 "${pid[crowd-switch]}" 2>/dev/null ||
			fail "the switch does not start: $(cat "$tmp/crowd-switch.err")"
	done
}

# guest NUMBER ROLE: the network is a socket between both QEMUs
guest() {
	boot 1 --first "$1" --join "$tmp/crowd.sock:1" --plain "$tmp/plain:4G" \
		--qemu -netdev --qemu "stream,id=net,server=$2,addr.type=unix,addr.path=$tmp/net.sock" \
		--device "virtio-net-pci,netdev=net,mac=52:54:00:00:00:0$1"
	on "node0$1" "modprobe virtio_net && ip addr add 10.0.0.$1/24 dev eth0 && ip link set eth0 up &&
		insmod /famez/famez_bridge.ko" || fail "node0$1 does not get ready"
}

# The third has two CPUs, and two bridges on the first fabric: two programs of it are
# two peers, which share a ring as two guests do.
both_in_one() {
	boot 1 --first 3 --cpus 2 --join "$FAMEZ_VM_DIR/switch.sock"
	on node03 'insmod /famez/famez_bridge.ko' || fail "node03 does not get ready"
	background node03 'famezctl --device /dev/famez_bridge1 bench --serve'
	on node03 wire-wait /tmp/bg '^serving' >/dev/null ||
		fail "famezctl bench --serve does not start: $(on node03 cat /tmp/bg)"
}

serve() {
	background node02 'famezctl bench --serve & famezctl --device /dev/famez_bridge1 bench --serve'
	on node02 wire-wait /tmp/bg '^serving' 2 >/dev/null ||
		fail "famezctl bench --serve does not start: $(on node02 cat /tmp/bg)"
}

# ---- measuring ----

# measure_in NODE FILE OPTION...: famezctl bench in a guest
measure_in() {
	on "$1" famezctl "${@:3}" >"$results/$2" || fail "famezctl bench has failed"
}

measure() {
	measure_in node01 "$@"
}

# rings RUN: between two guests, and within one
rings() {
	measure "ring.$1.json" bench --json --count $count --runs 3 node02 ring_stream
	measure_in node03 "local.$1.json" bench --json --count $count --runs 3 \
		"$(on node03 cat /sys/class/famez/famez_bridge1/id)" ring_stream
}

# What it takes to touch 1 GiB of a plain device; famez-touch counts
faults() {
	local told

	told=$(on node01 famez-touch /dev/famez_fam 1073741824) || fail "famez-touch has failed"
	sed -n 's/^faults: //p' <<<"$told" >>"$results/faults"
}

# with_crowd RUN: what a crowd of idle peers costs
with_crowd() {
	start crowd "$bin/famez-crowd" "$tmp/crowd.sock" $crowd
	saw crowd '^attached' >/dev/null || fail "$(cat "$tmp/crowd.err")"
	measure "crowd.$1.json" --device /dev/famez_bridge1 bench --json --count $count \
		--runs 1 node02 rtt stream
	quit crowd || fail "the crowd: $(cat "$tmp/crowd.err")"
}

# What is famez's in 10 seconds: its interrupts, timers and work
idle_in_guest='t=/sys/kernel/tracing
events="timer/timer_expire_entry timer/hrtimer_expire_entry workqueue/workqueue_execute_start"
irqs() {
	awk "/famez_bridge/ { for (i = 2; i <= NF && \$i ~ /^[0-9]+\$/; i++) n += \$i } END { print n + 0 }" /proc/interrupts
}
before=$(irqs)
echo >$t/trace
for e in $events; do echo 1 >$t/events/$e/enable || exit; done
sleep $SECONDS_IDLE
for e in $events; do echo 0 >$t/events/$e/enable; done
# the guest has timers of its own: that none is seen proves that nothing was looked at
grep -q expire_entry $t/trace || { echo "no timer at all was traced"; exit 1; }
echo $(($(irqs) - before + $(grep -c "function.*famez" $t/trace)))'

idle() {
	local all

	# the crowd is gone when its processes are; the switch tells so, and the last
	# of it 10 ms later
	on all 'while famezctl --device /dev/famez_bridge1 peers | grep -q famez-crowd; do :; done'
	sleep 1
	all=$(on all "SECONDS_IDLE=$idle_seconds; $idle_in_guest") || fail "$all"
	awk '{ n += $NF } END { print n }' <<<"$all" >>"$results/idle"
}

about >"$results/about"
say "two guests boot"
crowd_switch
guest 1 on
guest 2 off
serve
say "messages and TCP, $runs runs of $count round trips or $((50 * count)) messages"
measure main.json bench --json --verbose --count $count --runs $runs --tcp 10.0.0.2 node02
for ((run = 1; run <= runs && run <= 5; run++)); do
	say "run $run: without and with $crowd idle peers; $idle_seconds s of idleness"
	measure "alone.$run.json" --device /dev/famez_bridge1 bench --json --count $count \
		--runs 1 node02 rtt stream
	with_crowd $run
	idle
done
faults
say "a guest with two CPUs boots; rings between guests, and within that one"
both_in_one
for ((run = 1; run <= runs && run <= 5; run++)); do
	rings $run
done
vm check all >&2 || fail "a guest's kernel has complained"
"$bin/bench-report" "$results" "$output" || exit 1
say "every sample is in $output"
