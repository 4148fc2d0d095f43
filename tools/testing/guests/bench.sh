#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make bench in small: it works, and what it tells is what was measured.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"

keys="doorbell_over_tcp rtt_over_doorbell rtt_over_tcp stream_over_tcp batch_over_tcp
doorbells_per_message bulk_over_memcpy idle_peers_cost idle_interrupts ring_over_tcp
ring_over_local ring_rtt_over_word fam_copy_over_ram fam_faults_1g"

"$top/tools/testing/bench.sh" --quick "$tmp/bench.json" >"$tmp/table"; ok "bench --quick"
missing=
for key in $keys; do
	grep -q "^$key  *[0-9]" "$tmp/table" || missing+=" $key"
done
[ -z "$missing" ]; ok "the table has all ratios${missing:+, but:$missing}"

# json TEXT: what perl thinks of the whole, in $b, with the ratios in $r, the
# measurements in $m, and median() of numbers
json() {
	perl -MJSON::PP -MList::Util=all,sum -0777 -e '
		sub median { my @s = sort { $a <=> $b } @_; ($s[$#s / 2] + $s[@s / 2]) / 2 }
		$b = decode_json(<STDIN>); $r = $b->{ratios}; $m = $b->{measurements};
		exit !eval shift' "$1" <"$tmp/bench.json"
}

# shellcheck disable=SC2016,SC2086
for key in $keys; do
	json "\$x = \$r->{$key}; defined \$x->{median} &&
		defined \$x->{reached} && (\$x->{at_most} // \$x->{at_least}) =~ /^[0-9.]+\$/"
	ok "JSON: $key"
done
json '!grep { $_->{not_measured} } values %$r, values %$m'
ok "nothing was left out"
json '$m->{rtt}{unit} eq "ns" && @{$m->{rtt}{runs}} == 2 &&
	all { @$_ == 50 && all { $_ > 0 } @$_ } @{$m->{rtt}{runs}}'
ok "JSON has every sample"
json '$x = $m->{rtt}; @all = sort { $a <=> $b } map { @$_ } @{$x->{runs}};
	$x->{p50} == median(@all) && $x->{p99} == $all[98] && $x->{"p99.9"} == $all[99] &&
	$x->{median} == median(map { median(@$_) } @{$x->{runs}})'
ok "median and percentiles are those of the samples"
json '@x = map { median(@{$m->{rtt}{runs}[$_]}) / median(@{$m->{tcp_rtt}{runs}[$_]}) } 0, 1;
	abs($r->{rtt_over_tcp}{median} - median(@x)) < 1e-9'
ok "a ratio is that of two runs side by side"
json '@{$m->{rtt_idle_peers}{runs}} == 2 && @{$m->{rtt_no_idle_peers}{runs}} == 2'
ok "round trips without and with idle peers"
plan_complete
