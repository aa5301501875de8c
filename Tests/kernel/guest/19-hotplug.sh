# A package that goes offline and comes back: the others are governed on; the helper, which can't open anything any more,
# ends with 75 for its supervisor to start it again.

load psys=1
original=$(registers)
start_supervised
start_controller MAX_SOURCE=120W
wait_for "two packages share 120 W" 20 limits_are "60/60 60/60"

package_1 offline
wait_for "P8: package 1 goes, and the controller gives all to package 0" 20 limits_are "120/120 60/60"
check "the controller reports the zone as gone" controller_said 'zone gone.* device=package-1'
equals "the helper serves on" "" "$(statuses)"
ask_status
equals "status says which package is gone, and its limit can't be read" "true null false 120000000" \
	"$(said package-1 gone) $(said package-1/long_term in_force_uw) $(said package-0 gone) $(said package-0/long_term in_force_uw)"

package_1 online
wait_for "package 1 comes back, and the helper ends with 75" 20 ended_with_75 1
wait_for "its supervisor starts it again" 20 started 2
wait_for "P8: the controller governs both again" 20 limits_are "60/60 60/60"
disabled() { controller_said 'zone disabled.* device=package-1'; }
wait_for "and reports that package 1 is disabled: the kernel brings it back so" 20 disabled
try_write "$(zone package-1)/enabled" 1 >$RIG/enabled
enabled() { controller_said 'zone enabled again.* device=package-1'; }
wait_for "an operator enables it ($(cat $RIG/enabled)): that is reported" 20 enabled
equals "without the limits having changed" "60/60 60/60" "$(limits)"

# Nobody is there to restore package 1 while it is away: not the helper at its end, nor the next one at its start.
package_1 offline
wait_for "package 1 goes again" 20 limits_are "120/120 60/60"
stop_controller
equals "P6: at the controller's end package 0's originals are back" "150/180 60/60" "$(limits)"
kill -KILL "$(cat $RIG/helper.pid)"
wait_for "the helper is killed and started again with package 0 alone" 20 started 3
package_1 online
wait_for "package 1 comes back" 20 ended_with_75 2
wait_for "the helper is started again" 20 started 4
equals "P6: now package 1's originals are back too" "150/180 150/180" "$(limits)"

start_controller MAX_SOURCE=120W
wait_for "two packages share 120 W again" 20 limits_are "60/60 60/60"
unload
wait_for "the driver is unloaded, every zone is gone: the helper ends with 75" 20 ended_with_75 3
no_zones() { helper_said 'no RAPL zones'; }
wait_for "and can't start again: it says that there are no zones" 20 no_zones
load psys=1
wait_for "the driver is loaded again, and so is the helper" 20 started 5
wait_for "the controller, which stayed, governs again" 20 limits_are "60/60 60/60"
stop_controller
equals "P6: the controller's end brings the originals back" "0 $original" "$exit_status $(registers)"
helper_pid=$(cat $RIG/helper.pid)
kill -TERM "$helper_pid"
wait_for "SIGTERM ends the helper" 20 finished $supervisor
equals "P6: the originals are still there" "0 $original" "$(tail -n 1 $RIG/statuses) $(registers)"
