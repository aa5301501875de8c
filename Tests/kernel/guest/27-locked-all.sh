# Every package is locked: locked is locked, and nobody calls it disabled (P4). Plain files can't refuse a write.
load lock=3
equals "a locked zone reads disabled, and its register isn't" "0 1" \
	"$(cat "$(zone package-0)/enabled") $(($(raw 0 limit) >> 15 & 1))"
start_helper
start_controller MAX_SOURCE=200W
wait_for "the refusal is logged, and says that the register is locked" 20 controller_said 'limit refused.*the register is locked'
equals "nothing is called unenforced" 0 "$(times_controller_said 'not enforced')"
equals "no floor takes anything" 0 "$(times_controller_said 'the floors take')"
ask_status
equals "status has the lock, which no sample shows" "locked locked" \
	"$(said package-0/long_term obstacle) $(said package-1/long_term obstacle)"
equals "P4: and what the registers hold is in force" "150000000 150000000" \
	"$(said package-0/long_term in_force_uw) $(said package-1/long_term in_force_uw)"
controller -- check >$RIG/check 2>&1
equals "check fails: nothing that was asked for is in force" 1 $?
has "and says why" "package-0: locked: " "$(cat $RIG/check)"
stop_controller
stop_helper
