# Zones that count energy and have no limits, as on AMD: there is nothing to govern, which is no error.

load nolimit=1
start_helper
start_controller MAX_SOURCE=200W
told() { controller_said 'no device has a power limit'; }
wait_for "the controller says that there is nothing to govern" 20 told
sampled() { [ "$(raw 0 reads)" -gt "$reads" ]; }
reads=$(raw 0 reads)
wait_for "it stays, and samples" 20 sampled
check "and is still there" running "$controller_pid"
ask_status
measures "status measures package 0" 100 "$(said package-0 power_uw)"
equals "and shows no limit" 0 "$(grep -c in_force_uw $RIG/status.lines)"
stop_controller
equals "the controller ends in good order" 0 "$exit_status"
stop_helper
equals "and the helper" 0 "$exit_status"
equals "nothing was ever written" "0 0" "$(writes)"
