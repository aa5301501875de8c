# P12: what another party does to the limits is noticed within one sampling period, reported, and set right, or left.

# With decisions every five minutes, whatever happens soon is due to a sample. LOG_LEVEL=debug logs each.
samples() { times_controller_said 'msg="sample" device=package-0'; }
samples_until() { # PATTERN: how many samples were logged from line `from` of the log on until the line that matches
	controller_log | tail -n +"$from" | awk -v pattern="$1" '$0 ~ pattern { print n + 0; exit } /msg="sample" device=package-0/ { n++ }'
}
from_now_on() { from=$(($(controller_log | wc -l) + 1)); }
sampled() { [ "$(samples)" -gt "$before" ]; }
next_sample() { before=$(samples); wait_for "the next sample is taken" 20 sampled; }

load
original=$(registers)
start_helper
start_controller MAX_SOURCE=200W LOG_LEVEL=debug
wait_for "the packages share 200 W" 20 limits_are "100/100 100/100"
ours=$(registers)

from_now_on
set_limit package-0 long_term 140000000 >$RIG/tool
equals "another tool raises package 0's long_term limit" "ok 140/100 100/100" "$(cat $RIG/tool) $(limits)"
wait_for "P12: it is set again" 20 registers_are "$ours"
check "P12: it was noticed by the first sample after it" [ "$(samples_until 'another party changed a limit')" -le 1 ]
has "P12: and reported with what was found" "device=package-0 constraint=long_term from_uw=100000000 found_uw=140000000 action=reassert" \
	"$(controller_log | tail -n +"$from" | grep 'another party')"

poke 1 limit 0x0047802800158140      # 40 W and 5 W: below the floor too
wait_for "P12: firmware lowers both of package 1's limits: they are set again" 20 registers_are "$ours"
equals "P12: each is reported" 3 "$(times_controller_said 'another party changed a limit')"
next_sample
equals "P12: once" 3 "$(times_controller_said 'another party changed a limit')"

try_write "$(zone package-0)/enabled" 0 >/dev/null
disabled() { controller_said 'zone disabled.* device=package-0'; }
wait_for "a zone that somebody disables is reported" 20 disabled
equals "its limits stand" "100/100 100/100" "$(limits)"
try_write "$(zone package-0)/enabled" 1 >/dev/null
set_limit package-1 long_term 77000000 >/dev/null
stop_controller
stop_helper
equals "P6: a change just before the end is another party's: left; all else is restored" "0 150/180 77/180" "$exit_status $(limits)"

load
start_helper
forget_logs
start_controller MAX_SOURCE=200W ON_DRIFT=leave LOG_LEVEL=debug
wait_for "with ON_DRIFT=leave the packages share 200 W" 20 limits_are "100/100 100/100"
set_limit package-0 long_term 140000000 >/dev/null
wait_for "P8: another tool's 140 W are left, and package 1 gets the rest" 20 limits_are "140/100 60/60"
has "P12: it is reported" "device=package-0 constraint=long_term from_uw=100000000 found_uw=140000000 action=leave" \
	"$(controller_log | grep 'another party')"
next_sample
equals "P12: once" 1 "$(times_controller_said 'another party changed a limit')"
ask_status
equals "P4: status says what is in force" "140000000 60000000" \
	"$(said package-0/long_term in_force_uw) $(said package-1/long_term in_force_uw)"
set_limit package-0 long_term 120000000 >/dev/null
wait_for "P8: what it changes afterwards is left too, and counted" 20 limits_are "120/100 80/80"
stop_controller
equals "P6: at the end the other tool's limit is not overwritten" "0 120/180 150/180" "$exit_status $(limits)"
has "and that is reported" "restored=3 foreign=1 failed=0" "$(controller_log | tail -n 1)"
stop_helper
equals "P6: nor by the helper" "0 120/180 150/180" "$exit_status $(limits)"
