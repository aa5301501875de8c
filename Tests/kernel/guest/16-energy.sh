# Measured power, also while the 32-bit counters wrap around.

range=262143328850   # 2^32 counts of 61035 nJ
put_counter() { # PACKAGE MICROJOULES
	poke "$1" status $(($2 * 1000 / 61035))
}

load demand_mw=100000,50000
start_helper
ask_status
measures "status measures what package 0 draws" 100 "$(said package-0 power_uw)"
measures "and package 1" 50 "$(said package-1 power_uw)"
measures "and dram" 10 "$(said dram power_uw)"

# Package 0 stands still, 20 J before the wrap, until `status` has taken its first sample; then it draws 100 W. Handled
# wrongly, the second sample would give some hundred kilowatts, or nothing.
poke 0 demand_mw 0
put_counter 0 $((range - 20000000))
before=$(cat "$(zone package-0)/energy_uj")
reads=$(raw 1 reads)
ask_status &
asking=$!
first_sample_taken() { [ "$(raw 1 reads)" -gt $((reads + 3)) ]; }
wait_for "status has taken its first sample" 20 first_sample_taken
poke 0 demand_mw 100000
wait $asking
check "package 0's counter wrapped in between" [ "$(cat "$(zone package-0)/energy_uj")" -lt "$before" ]
power=$(said package-0 power_uw)
check "and status measures nearly 100 W: $power uW" [ "$power" -gt 50000000 -a "$power" -lt 105000000 ]

# The controller measures without a gap, so that a wrap falls into a sample whenever it happens.
put_counter 0 $((range - 150000000))
put_counter 1 $((range - 100000000))
before_0=$(cat "$(zone package-0)/energy_uj") before_1=$(cat "$(zone package-1)/energy_uj")
start_controller MAX_SOURCE=300W LOG_LEVEL=debug
measured() { controller_log | sed -n "s/.*msg=\"sample\" device=package-$1 .*power_uw=//p"; }
both_wrapped() {
	[ "$(cat "$(zone package-0)/energy_uj")" -lt "$before_0" ] && [ "$(cat "$(zone package-1)/energy_uj")" -lt "$before_1" ] &&
		[ "$(measured 1 | wc -l)" -ge 4 ]
}
wait_for "with the controller running both counters wrap" 20 both_wrapped
within() { # WATTS: how many of the numbers are no more than 5 % away, of how many
	awk -v watts="$1" '{ n++; if ($1 >= watts * 0.95e6 && $1 <= watts * 1.05e6) good++ } END { print good + 0, "of", n }'
}
samples=$(measured 0 | wc -l)
equals "in each of its samples package 0 draws 100 W" "$samples of $samples" "$(measured 0 | head -n "$samples" | within 100)"
equals "and package 1 50 W" "$samples of $samples" "$(measured 1 | head -n "$samples" | within 50)"
stop_controller
stop_helper
