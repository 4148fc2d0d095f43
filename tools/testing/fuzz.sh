#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The reader of the link layer's words, by libFuzzer: $FUZZ_SECONDS of whatever it
# finds, with ASan and UBSan, from F.E.E.'s own sentences on.

# shellcheck source=tools/testing/wire/wire-lib.sh
. "$(dirname "$0")/wire/wire-lib.sh"

# seed TEXT: a file of its own
seed() {
	printf '%s' "$1" >"$tmp/seeds/$(printf '%s' "$1" | cksum | tr -d ' ')"
}

# value NAME: of the statistics that it ends with
value() {
	sed -n "s/^stat::$1: *//p" "$tmp/fuzz"
}

mkdir "$tmp/seeds"
seed 'ping!EZT=1'
seed 'Link CTL Peer-Attribute!EZT=1'
seed 'Link CTL ACK cclass=FabricSwitch,CID0=1500,SID0=27!EZT=2'
seed 'Link RFC TTC=27us!EZT=1'
seed 'CTL-Write Space=0,PFMCID=1500,PFMSID=27,CID=200,SID=27,Tag=1!EZT=2'
seed 'Standalone Acknowledgment Tag=1,Reason=OK!EZT=3'
cd "$tmp" || exit 1
"$bin/fuzz-link" -max_total_time="$FUZZ_SECONDS" -max_len=512 -print_final_stats=1 \
	-dict="$top/tools/testing/fuzz-link.dict" seeds >"$tmp/fuzz" 2>&1
ok "nothing breaks in $FUZZ_SECONDS seconds" || tail -n 30 "$tmp/fuzz" >&2
[ "$(value number_of_executed_units)" -gt $((FUZZ_SECONDS * 1000)) ]; ok 'of thousands a second'
[ "$(find seeds -type f | wc -l)" -gt 50 ]; ok 'which reach what the seeds do not'
plan_complete
