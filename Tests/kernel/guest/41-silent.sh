# Firmware that answers nothing when the helper starts: all else is governed at once, and what it holds up as soon as it answers.

needs_client
M0=power_meter:_SB_.PMT0/power1_cap A=amdgpu:$GPU_0/power1_cap P0=intel-rapl:0/long_term
govern() { start_helper --sysfs /sys --govern intel-rapl,power_meter,gpu; }
meter_has() { [ "$(meter 0 limit)" = "$1" ]; }
others() { echo "$(limits) $(sim amdgpu_like/$GPU_0 limit_w)"; }
others_are() { [ "$(others)" = "$1" ]; }
zones_say() { case $(client zones) in *"$1"*) ;; *) return 1 ;; esac; }

load
load_meters
plug amdgpu_like min_w=100
original=$(others)

# --- the first start ------------------------------------------------------------------------------------------------------------

meter 0 mute 1
before=$(centiseconds)
govern
took=$(($(centiseconds) - before))
check "a meter that says nothing doesn't keep the helper from serving (it took $took cs)" [ $took -lt 1000 ]
has "P6: nothing is known of its limit" "$M0  original unknown  unread" "$(client zones)"
has "P6: so none is taken" "the limit can't be read, so it isn't changed" "$(client apply $M0=250)"
start_client $A=180 $P0=100
wait_for "the others are governed" 20 others_are "100/180 150/180 180"
has "P4: the meter has no reading" "PMT0  errno 110" "$(client sample)"
told() { helper_said "a driver doesn't answer.* id=power_meter:_SB_.PMT0"; }
wait_for "which is told" 20 told
before=$(centiseconds)
listing=$(helper --sysfs /sys --list --govern power_meter)
took=$(($(centiseconds) - before))
has "--list says why, and" "not governed: its driver hasn't said what its limit is" "$listing"
has "what the other meter has" "may be set from 50.000 to 300.000 W" "$listing"
check "doesn't wait for it (it took $took cs)" [ $took -lt 2000 ]
meter 0 mute 0
answered() { helper_said "a driver answers again.* id=power_meter:_SB_.PMT0"; }
wait_for "an answer is told, too" 20 answered
wait_for "then its limit is known" 20 zones_say "$M0  original 400 W  100 to 400 W"
stop_client
wait_for "P6: the others' originals are back" 20 others_are "$original"
start_client $M0=250 $P0=100
wait_for "and it is governed without another start" 20 meter_has 250000
stop_client
wait_for "P6: its original is back" 20 meter_has 400000

# --- what a killed helper has left -----------------------------------------------------------------------------------------------

start_client $M0=250 $P0=100 $A=180
wait_for "limits are in force" 20 meter_has 250000
wait_for "the others', too" 20 others_are "100/180 150/180 180"
stop_helper KILL
stop_client KILL
meter 0 mute 1
govern
wait_for "P6: after a SIGKILL the others' originals are back, whatever the meter does" 20 others_are "$original"
equals "P6: its limit isn't touched before it has answered" 250000 "$(meter 0 limit)"
meter 0 mute 0
wait_for "P6: then its original comes back" 20 meter_has 400000

# --- a helper that ends while a driver has one of its threads ------------------------------------------------------------------------

meter 0 mute 1
client sample >$RIG/sample   # it is asked, and says nothing
kill -TERM "$helper_pid"
wait_for "a helper that is told to end ends" 20 finished "$helper_pid"
check "although the kernel doesn't let all of it go" [ -e "/proc/$helper_pid" ]
held=$helper_pid
govern
start_client $P0=100
wait_for "the next one governs meanwhile: nothing is locked" 20 others_are "100/180 150/180 250"
meter 0 mute 0
wait "$held"
equals "and the first has ended well when it is let go" 0 $?
stop_client
stop_helper
equals "P6: the originals are there" "0 400000 $original" "$exit_status $(meter 0 limit) $(others)"

# --- a GPU in a reset, under the controller ------------------------------------------------------------------------------------------

[ -e /bin/powercap-controller ] || nothing_to_see "this boot has no controller"
sim amdgpu_like/$GPU_0 reset Y
sim amdgpu_like/$GPU_0 writes 0
forget_logs
govern
start_controller MAX_SOURCE=500W STABILISATION_TIME=1h GOVERN=intel-rapl,gpu
not_governed() { controller_said "not governed.* device=amdgpu:$GPU_0 .*its driver hasn't said"; }
wait_for "a GPU that is being reset when the helper starts isn't governed, which is told with its reason" 30 not_governed
shared() { [ "$(limits)" != "${original% *}" ]; }
wait_for "P8: the others share what is left" 30 shared
equals "nothing was written to it" 0 "$(sim amdgpu_like/$GPU_0 writes)"
sim amdgpu_like/$GPU_0 reset N
governed() { [ "$(sim amdgpu_like/$GPU_0 limit_w)" -lt 250 ]; }
wait_for "P8: once the reset is over it is governed with them, without another start and long before the next decision" 30 governed
stop_controller
wait_for "P6: the originals are back" 20 others_are "$original"
stop_helper
equals "the helper ends in good order" "0 $original" "$exit_status $(others)"
