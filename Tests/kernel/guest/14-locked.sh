# A package whose limits firmware has locked keeps them; what it takes is taken from the other's share (P4, P8).

decisions() { times_controller_said 'msg="decided"'; }
two_more_decisions() { [ "$(decisions)" -ge $((before + 2)) ]; }

load lock=1
original=$(registers)
start_helper
forget_logs
start_controller MAX_SOURCE=200W STABILISATION_TIME=1 LOG_LEVEL=debug
wait_for "P8: of 200 W the locked package takes 150, the other gets the rest" 20 limits_are "150/180 50/50"
equals "the locked register is what it was, bit for bit" "${original% *}" "$(raw 0 limit)"
before=$(decisions)
wait_for "more decisions are made" 20 two_more_decisions
equals "the refusal is reported once, not at every decision" 1 "$(times_controller_said 'limit refused.* device=package-0')"
has "and with its reason, and what is in force" "in_force_uw=150000000" "$(controller_log | grep 'limit refused')"
equals "no decision but the first wrote anything" "0 2" "$(writes)"

ask_status
equals "P4: status says what is in force for the locked package, and that nothing of ours is" "150000000 null" \
	"$(said package-0/long_term in_force_uw) $(said package-0/long_term requested_uw)"
equals "P4: and for the other" "50000000 50000000" \
	"$(said package-1/long_term in_force_uw) $(said package-1/long_term requested_uw)"
stop_controller
equals "P6: the other package's originals are back" "0 $original" "$exit_status $(registers)"

set_once MAX_SOURCE=100W
equals "run --once ends with 1 where a limit is refused" 1 $?
equals "P3: where the locked package takes everything, the other gets its floor" "150/180 10/10" "$(limits)"
has "and that is reported" "the floors take more than the source gives" "$(controller_log)"
stop_helper
equals "P6: the originals are back" "0 $original" "$exit_status $(registers)"

# Firmware that locks the register while the node runs: the driver doesn't know, and answers every write with success.
load
start_helper
start_controller MAX_SOURCE=200W STABILISATION_TIME=1
wait_for "unlocked, the packages share 200 W" 20 limits_are "100/100 100/100"
locked=$(printf '0x%016x' $(($(raw 0 limit) | 1 << 63)))
poke 0 limit "$locked"
stop_controller
equals "P6: a lock that came later keeps a limit from being restored" "$locked ${original#* }" "$(registers)"
equals "P4: which both say" "1 1 2" \
	"$exit_status $(controller_log | tail -n 1 | grep -c 'failed=2') $(times_helper_said "isn't in force")"
poke 0 limit "$(printf '0x%016x' $((locked & ~(1 << 63))))"
stop_helper
equals "P6: and once it is gone the helper restores it" "0 ${original#* } ${original#* }" "$exit_status $(registers)"
