# P18: a node that loses its controller goes to its fallback limit, never above what was in force, and the originals stay known.

load
original=$(registers)
boot_state="--boot-state-dir $RIG/boot"
# Root asks for --release at the end.
start_helper --lease-time 2 --allow-gid 0 $boot_state

start_controller MAX_SOURCE=200W FALLBACK_LIMIT=80W
wait_for "the packages share 200 W" 20 limits_are "100/100 100/100"
wait_for "the controller says what the helper holds" 20 controller_said 'fallback limit held by the helper.*fallback_uw=80000000'
stop_controller KILL
wait_for "P18: its lease ends, and the fallback limit is in force" 20 limits_are "40/40 40/40"
check "P18: the helper says so" helper_said 'fallback limits are in force.*restored=0 foreign=0 failed=0 fallback=4'

start_controller MAX_SOURCE=60W FALLBACK_LIMIT=80W
wait_for "P18: the next controller governs from there" 20 limits_are "30/30 30/30"
stop_controller KILL
lost() { [ "$(times_helper_said 'reason="lease expired"')" -ge 2 ]; }
wait_for "its lease ends, too" 20 lost
equals "P18: what was below the fallback limit isn't raised" "30/30 30/30" "$(limits)"

start_controller MAX_SOURCE=200W FALLBACK_LIMIT=80W
wait_for "the packages share 200 W" 20 limits_are "100/100 100/100"
stop_helper KILL
start_helper --lease-time 2 --allow-gid 0 $boot_state
wait_for "P18: a helper that was killed sets it first, and the controller governs again" 20 limits_are "100/100 100/100"
stop_controller KILL
stop_helper TERM
equals "P18: a helper that is stopped leaves it in force" "0 40/40 40/40" "$exit_status $(limits)"

# A boot: nothing of /run is left, and firmware has set its limits.
rm -r $STATE_DIR
load
equals "firmware's limits are back" "$original" "$(registers)"
helper --boot --state-dir $STATE_DIR $boot_state 2>$RIG/boot.log
equals "P18: the boot begins at the fallback limit" "0 40/40 40/40" "$? $(limits)"
start_helper --lease-time 2 --allow-gid 0 $boot_state
equals "the helper that starts later leaves it so" "40/40 40/40" "$(limits)"

# In every write of the end of control. A register that refuses it is tried again.
start_controller MAX_SOURCE=200W FALLBACK_LIMIT=80W
wait_for "the packages share 200 W" 20 limits_are "100/100 100/100"
fail_writes 1
stop_controller KILL
wait_for "a register refuses its fallback limit, and the helper says so" 20 helper_said 'the fallback limit .*zone=package-0'
equals "P18: the other package has it" "100/100 40/40" "$(limits)"
fail_writes 0
wait_for "P18: it is tried again" 60 limits_are "40/40 40/40"

helper --release --socket $RAPLHELPER_SOCKET 2>$RIG/release.log
equals "--release brings the originals back, bit for bit" "0 $original" "$? $(registers)"
stop_helper
equals "and nothing is left to fall back to" "0 $original" "$exit_status $(registers)"
