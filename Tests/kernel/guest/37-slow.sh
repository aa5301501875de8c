# Firmware that takes seconds to set a limit: it delays no other zone, no sample and no renewal, and what is under way counts.

needs_client
M0=power_meter:_SB_.PMT0/power1_cap M1=power_meter:_SB_.PMT1/power1_cap A=amdgpu:$GPU_0/power1_cap P0=intel-rapl:0/long_term
govern() { start_helper --sysfs /sys --govern intel-rapl,power_meter,gpu; }
watts() { echo "$(limits) $(($(meter 1 limit) / 1000)) $(sim amdgpu_like/$GPU_0 limit_w)"; }   # all but the slow one's
watts_are() { [ "$(watts)" = "$1" ]; }
meter_has() { [ "$(meter 0 limit)" = "$1" ]; }

load
load_meters
plug amdgpu_like min_w=100
original=$(watts)

govern
meter 0 slow 20
LEASE=2 start_client $M0=250 $M1=100 $A=180 $P0=100
wait_for "the others' limits are in force" 15 watts_are "100/180 150/180 100 180"
equals "while the slow one's isn't" "1 400000" "$(meter 0 sets) $(meter 0 limit)"
driver_is_told() { helper_said "a driver doesn't answer.* id=power_meter:_SB_.PMT0"; }
wait_for "a write that takes long is told" 20 driver_is_told
equals "when it still isn't done" "1 400000" "$(meter 0 sets) $(meter 0 limit)"
readings=$(client sample)
has "P4: a sample meanwhile says what is in force" "power1_cap  400 W" "$readings"
equals "and didn't wait for it" 400000 "$(meter 0 limit)"
wait_for "the slow one gets its limit" 40 meter_has 250000
driver_is_back() { helper_said "a driver answers again.* id=power_meter:_SB_.PMT0"; }
wait_for "which is told" 10 driver_is_back
equals "P7: no renewal was late: with a lease of 2 s all limits are still there" "100/180 150/180 100 180" "$(watts)"
wait_for "P4: and samples say so" 60 sample_says "PMT0  200 W
  power1_cap  250 W"

# The end of control gives a slow limit back in its own time, and the others at once.
meter 0 slow 1
stop_client
wait_for "P6: the others' originals are back" 15 watts_are "$original"
wait_for "P6: and the slow one's" 15 meter_has 400000

start_client $M0=250 $P0=100
wait_for "limits again" 30 meter_has 250000
stop_helper
equals "P6: SIGTERM waits for the slow one" "0 400000 $original" "$exit_status $(meter 0 limit) $(watts)"
stop_client KILL

# Control is given up while a write is under way: the write ends when it does, and its undoing behind it.
govern
meter 0 slow 6
meter 0 sets 0
start_client $M0=250 $P0=100
is_written() { [ "$(meter 0 sets)" = "$1" ]; }
wait_for "a write is under way" 15 is_written 1
stop_client
equals "P6: at the end of control the others' originals are back" "$original" "$(watts)"
has "and the client is told that one isn't yet" "1 restored, 0 changed by others, 1 failed" "$(cat $RIG/client.log)"
is_dealt_with() { helper_said 'slow limits were dealt with after the end of control.*restored=1.*failed=0'; }
wait_for "P6: the write's end isn't the last word" 60 is_dealt_with
equals "the original is" "2 400000" "$(meter 0 sets) $(meter 0 limit)"
stop_helper

# The helper dies while a write is under way: what the firmware then does is undone all the same.
govern
meter 0 slow 4
meter 0 sets 0
start_client $M0=250
writing() { [ "$(meter 0 sets)" = 1 ]; }
wait_for "a write is under way" 15 writing
kill -KILL "$helper_pid"
stop_client KILL
wait_for "which a SIGKILL doesn't stop" 15 meter_has 250000
wait_for "the helper is gone" 15 finished "$helper_pid"
meter 0 slow 0
govern
wait_for "P6: the original is back" 20 meter_has 400000
stop_helper
