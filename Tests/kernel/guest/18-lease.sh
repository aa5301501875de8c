# P7: a controller that is silent for its lease loses control, and there is only one at a time.

others_turn() { controller_said 'another controller holds control'; }

load
original=$(registers)
start_helper --lease-time 4
start_controller MAX_SOURCE=200W LEASE_TIME=1h
wait_for "the packages share 200 W" 20 limits_are "100/100 100/100"
has "the helper grants no longer lease than its own" "lease_ms=4000" "$(controller_log)"

# Longer than the lease, with nothing to change: what renews it is the controller's sign of life.
started=$(centiseconds)
outlasted() { [ $(($(centiseconds) - started)) -gt "$1" ]; }
wait_for "the lease's time passes" 20 outlasted 500
equals "P7: renewed, control lasts longer than a lease" "100/100 100/100" "$(limits)"

set_once MAX_SOURCE=80W
equals "P7: a second controller is refused control" "1 100/100 100/100" "$? $(limits)"
check "and told why" others_turn
helper --socket $RIG/second.sock --state-dir $RIG/second >$RIG/second.log 2>&1
equals "a second helper doesn't start while the first controls the tree" 1 $?
has "and says why" "another raplhelper already controls" "$(cat $RIG/second.log)"
equals "nor does it touch a limit" "100/100 100/100" "$(limits)"
ask_status
has "P7: others may read who is in control" powercap-controller "$(said control holder)"

first=$controller_pid
start_controller MAX_SOURCE=120W
second=$controller_pid
stop $first powercap-controller TERM
wait_for "P7: when the first ends, a second one that waits takes over" 20 limits_are "60/60 60/60"

kill -STOP $second
wait_for "P7: a controller that is stopped is silent: the originals come back" 20 registers_are "$original"
check "P7: and the helper says so" helper_said "silent for its whole lease"
kill -CONT $second
wait_for "P7: it goes on, notices, and governs again" 20 limits_are "60/60 60/60"
stop_controller
stop_helper
equals "P6: the originals are back" "0 $original" "$exit_status $(registers)"

# A helper that doesn't run for a while, alone or with its controller, as in a frozen cgroup.
start_helper --lease-time 2
start_controller MAX_SOURCE=200W
for others in "" " and its controller"; do
	wait_for "the packages share 200 W" 20 limits_are "100/100 100/100"
	forget_logs
	kill -STOP $helper_pid ${others:+$controller_pid}
	started=$(centiseconds)
	wait_for "stopped for longer than the lease: the helper$others" 20 outlasted 300
	equals "which leaves the limits as they are" "100/100 100/100" "$(limits)"
	kill -CONT ${others:+$controller_pid} $helper_pid
	restored() { helper_said 'original limits restored.*reason="lease expired".*restored=4 foreign=0 failed=0'; }
	wait_for "P7: it goes on, finds the lease over, and restores" 20 restored
	wait_for "P7: and the controller takes control anew" 20 controller_said 'msg="in control"'
done
wait_for "the packages share 200 W" 20 limits_are "100/100 100/100"
stop_controller
stop_helper
equals "P6: the originals are back" "0 $original" "$exit_status $(registers)"

start_helper --lease-time 1 --on-lease-expiry hold
forget_logs
start_controller MAX_SOURCE=200W
wait_for "the packages share 200 W" 20 limits_are "100/100 100/100"
stop_controller KILL
held() { helper_said 'limits are held.*reason="lease expired"'; }
wait_for "P7: with --on-lease-expiry hold the lease ends" 20 held
equals "P7: and the limits stay" "100/100 100/100" "$(limits)"
start_controller MAX_SOURCE=120W
wait_for "P7: until another controller comes" 20 limits_are "60/60 60/60"
stop_controller KILL
stop_helper
equals "P6: held limits are restored at the helper's end" "0 $original" "$exit_status $(registers)"
