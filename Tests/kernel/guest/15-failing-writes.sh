# Registers that can't be written, or read, while the controller runs (P4, P5): a batch is put back, the healthy package is
# governed on, and the failing one joins again when it can.

refusals() { times_controller_said 'limit refused'; }
decisions() { times_controller_said 'msg="decided"'; }
two_more_decisions() { [ "$(decisions)" -ge $((before + 2)) ]; }
noon() { set_clock "2026-06-21 12:00:00"; }      # 200 W
at_08_00() { set_clock "2026-06-21 08:00:00"; }  # 100 W

load
original=$(registers)
start_helper
noon
start_controller SOURCE=solar MAX_SOURCE=200.1W ALPHA=2 TIMEZONE=UTC STABILISATION_TIME=1 LOG_LEVEL=debug
wait_for "at noon the packages share 200 W" 20 limits_are "100/100 100/100"

fail_writes 2
poke 0 writes 0
poke 1 writes 0
at_08_00
wait_for "P8: package 1 keeps its 100 W, so package 0 gets its floor" 20 limits_are "10/10 100/100"
equals "P5: the half-done batch was put back first: 2 limits set, 2 put back, 2 set anew; 1 attempt on package 1" "6 1" "$(writes)"
has "P4: what is in force for the refused limit is reported" "in_force_uw=100000000" "$(controller_log | grep 'limit refused')"
case $(uname -r) in
6.1.*) why="isn't in force" ;;   # the kernel answers with success
*) why=ENODATA ;;
esac
has "and why" "$why" "$(controller_log | grep 'limit refused')"
before=$(decisions)
wait_for "it is tried at every decision" 20 two_more_decisions
equals "P5: without touching package 0 again" 6 "$(raw 0 writes)"
equals "and without reporting it again" 1 "$(refusals)"
ask_status
equals "P4: status says what is in force" "10000000 100000000 100000000" "$(said package-0/long_term in_force_uw) \
$(said package-1/long_term in_force_uw) $(said package-1/long_term requested_uw)"

fail_writes 0
wait_for "when it can be written again, the next decision makes it join" 20 limits_are "50/50 50/50"
fail_writes 3
noon
both_refused() { [ "$(refusals)" -ge 3 ]; }
wait_for "both packages refuse" 20 both_refused
equals "P5: then both keep what they have" "50/50 50/50" "$(limits)"
check "and the controller stays" running "$controller_pid"
fail_writes 0
wait_for "and both join again" 20 limits_are "100/100 100/100"

fail_reads 2
at_08_00
unreadable() { controller_said "limit refused.*can't be read"; }
wait_for "a limit that can't be read isn't changed" 20 unreadable
wait_for "P8: and package 0 gets what is left" 20 limits_are "10/10 100/100"
fail_reads 0
wait_for "readable again, it joins" 20 limits_are "50/50 50/50"

fail_writes 1
stop_helper
equals "P6: a helper that can't restore a limit restores the others" "50/50 150/180" "$(limits)"
equals "and says so by its exit status and its log" "1 2" "$exit_status $(times_helper_said "isn't in force\|could not be restored")"
stop_controller
fail_writes 0
start_helper
equals "P6: the next one restores the rest" "$original" "$(registers)"
stop_helper
