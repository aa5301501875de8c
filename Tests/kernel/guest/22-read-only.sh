# --read-only: everything can be seen and nothing is written, nor could be.

open_for_writing() { # how many files of the hardware the helper has open for writing
	local info
	for info in /proc/"$helper_pid"/fdinfo/*; do
		grep -q '^flags:.*[12]$' "$info" && readlink "/proc/$helper_pid/fd/${info##*/}"
	done | grep -c $POWERCAP
}

load
original=$(registers)
start_helper --read-only
equals "no file of the hardware is open for writing" 0 "$(open_for_writing)"
has "the helper says that it refuses writes" "writes=refused:read-only" "$(helper_log)"
start_controller MAX_SOURCE=200W
told() { controller_said 'the helper was started with --read-only'; }
wait_for "the controller says why it has no control" 20 told
check "and stays" running "$controller_pid"
ask_status
equals "status says so too" read-only "$(said helper writes)"
measures "and measures" 100 "$(said package-0 power_uw)"
equals "the limits are the originals" "150000000 null" "$(said package-0/long_term in_force_uw) $(said package-0/long_term requested_uw)"
set_once MAX_SOURCE=200W
equals "run --once fails" 1 $?
stop_controller
equals "a controller that never had control ends in good order" 0 "$exit_status"
stop_helper
equals "nothing was ever written" "0 0 $original" "$(writes) $(registers)"

start_helper
set_once MAX_SOURCE=200W
stop_helper KILL
forget_logs
start_helper --read-only
equals "limits of a helper that was killed are not restored" "100/100 100/100" "$(limits)"
has "which it reports" "limits of an earlier run are still in force" "$(helper_log)"
stop_helper
start_helper
equals "P6: but they are not forgotten: the next one restores them" "$original" "$(registers)"
stop_helper
