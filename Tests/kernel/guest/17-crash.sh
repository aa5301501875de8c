# P6: whatever dies, and in whichever write, the originals come back: the whole register, bit for bit. 25-storm kills at random.

# Limits that change every second: 1 MW * sin(..)^100 in the morning. The windows and clamps of the originals are unusual ones,
# which must come back too: 140 W and 200 W, package 1 not clamped.
start_changing() {
	set_clock "2026-06-21 09:54:30"
	start_controller SOURCE=solar MAX_SOURCE=1000kW ALPHA=100 TIMEZONE=UTC STABILISATION_TIME=1 LEASE_TIME=2
	wait_for "limits are set" 20 limits_differ
}
limits_differ() { ! registers_are "$original"; }
restart_helper() { start_helper --lease-time 2; }

load
poke 0 limit 0x0047864000188460
poke 1 limit 0x00458640000e8460
original=$(registers)

# --- at every write --------------------------------------------------------------------------------------------------------

# Writes 1 to 4 are those of a first decision, 5 to 8 of a second, 9 to 12 those that restore.
die_at() { # WRITE WORDS: the helper dies in that write
	restart_helper
	kill_at_write "$1"
	set_once MAX_SOURCE=160W && set_once MAX_SOURCE=120W && kill -TERM "$helper_pid"
	wait_for "the helper dies by SIGKILL in write $1$2" 20 finished "$helper_pid"
	wait "$helper_pid"
	died_of=$?
	fail_writes 0
	kill_at_write 0
	start_helper
	equals "P6: its restart brings the originals back" "137 $original" "$died_of $(registers)"
	stop_helper
}
for write in 1 2 3 4 5 6 7 8 9 10 11 12; do die_at $write ""; done
fail_writes 3
die_at 1 ", which changes nothing"
equals "P6: and nothing of it was taken for another party's change" 0 "$(times_helper_said 'foreign=[1-9]\|another party')"

# --- in good order -------------------------------------------------------------------------------------------------------------

restart_helper
start_changing
stop_helper TERM
equals "P6: SIGTERM of the helper brings the originals back" "0 $original" "$exit_status $(registers)"
restart_helper
wait_for "the controller governs again" 20 limits_differ
stop_controller TERM
equals "P6: SIGTERM of the controller brings them back" "0 $original" "$exit_status $(registers)"

set_once MAX_SOURCE=120W
equals "ON_EXIT=hold leaves the limits in force" "60/60 60/60" "$(limits)"
stop_helper KILL
restart_helper
equals "P6: which a SIGKILL of the helper doesn't make permanent" "$original" "$(registers)"
set_once MAX_SOURCE=120W
stop_helper TERM
equals "P6: nor its end" "0 $original" "$exit_status $(registers)"

# --- another party's changes meanwhile -------------------------------------------------------------------------------------------

restart_helper
set_once MAX_SOURCE=120W
stop_helper KILL
equals "while nobody runs another tool sets package 0 to 90 W" ok "$(set_limit package-0 long_term 90000000)"
restart_helper
equals "P6: the restart leaves that as it is, and restores the rest" "90/200 140/200" "$(limits)"
has "P6: and reports it" "another party changed the limit: left as it is" "$(helper_log)"
set_once MAX_SOURCE=120W
stop_helper TERM
equals "P6: now 90 W is the original" "90/200 140/200" "$(limits)"
poke 0 limit "${original% *}"

# --- a saved state that can't be read ----------------------------------------------------------------------------------------------

start_helper
set_once MAX_SOURCE=120W
stop_helper KILL
held=$(registers)
sed -i 's/original 140000000/original 150000000/' $STATE_DIR/state
forget_logs
start_helper
has "P6: with a damaged state the helper refuses writes" "writes=refused:state-unreadable" "$(helper_log)"
set_once MAX_SOURCE=200W
equals "P6: and nothing is written" "1 $held" "$? $(registers)"
has "P6: the controller says why" "the saved original limits can't be read" "$(controller_log)"
stop_helper
equals "P6: not at its end either" "$held" "$(registers)"
start_helper --discard-state
set_once MAX_SOURCE=200W
equals "P6: --discard-state lets it write again" "100/100 100/100" "$(limits)"
stop_helper
equals "P6: and what was in force then is the original" "$held" "$(registers)"
