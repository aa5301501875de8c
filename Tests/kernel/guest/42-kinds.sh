# One budget for packages and GPUs of two makers under the controller: their limits together at every write of any driver, whatever sleeps,
# is unloaded or dies.

needs_client
limit_w() { echo $((($(raw "$1" limit) & 0x7fff) / 8)); }
gpus() { echo "$(sim amdgpu_like/$GPU_0 limit_w) $(sim amdgpu_like/$GPU_1 limit_w) $(sim xe_like power1_limit)"; }
sum_w() { # of the limits that drivers hold
	local sum=$(($(limit_w 0) + $(limit_w 1) + ($(sim xe_like power1_limit) & 0x7fff) / 8))
	[ ! -e /sys/module/amdgpu_like ] || sum=$((sum + $(sim amdgpu_like/$GPU_0 limit_w) + $(sim amdgpu_like/$GPU_1 limit_w)))
	echo $sum
}
uses() { local sum=$(sum_w); [ "$sum" -le "$1" ] && [ "$sum" -ge $(($1 - 5)) ]; } # WATTS
# From here on no write of a driver's may bring the limits above so much together; 0: any may.
budget() { echo "rig-budget $(($1 * 1000))" >/dev/kmsg; } # WATTS
above() { # the writes that did
	dmesg | sed -n 's/.*rig-\(limit\|budget\) /\1 /p' | awk '
		$1 == "budget" { budget = $2; next }
		{ now[$2] = $3 }
		budget { sum = 0; for (name in now) sum += now[name]; if (sum > budget) print $2 ": " sum " of " budget }'
}
source_has() { echo "${1}W" >$RIG/live.new && mv $RIG/live.new $RIG/live; } # WATTS
govern() { start_controller MAX_SOURCE=700W LIVE_FILE=$RIG/live LIVE_FOR=1d STABILISATION_TIME=1 GOVERN=intel-rapl,gpu WEIGHTS=package:1,gpu:2; }

source_has 700
load tell=1
plug amdgpu_like min_w=100 tell=1
plug xe_like tell=1
original="$(registers) $(gpus)"
for package in 0 1; do echo "rig-limit package-$package $(($(limit_w $package) * 1000))" >/dev/kmsg; done

start_supervised --sysfs /sys --govern intel-rapl,gpu
govern
wait_for "packages and GPUs share 700 W" 60 uses 700
budget 700
check "a GPU has more than a package: its kind weighs twice as much" [ "$(sim amdgpu_like/$GPU_0 limit_w)" -gt "$(limit_w 0)" ]

# --- a GPU that sleeps -------------------------------------------------------------------------------------------------------------

gpu_sleeps $GPU_1
sim amdgpu_like/$GPU_1 resumes 0
sim amdgpu_like/$GPU_1 reads 0
slept_w=$(sim amdgpu_like/$GPU_1 limit_w)
is_told() { ask_status; grep -q 'ESHUTDOWN' $RIG/status; }
wait_for "a GPU sleeps, which status says" 30 is_told
equals "and nobody wakes it" "0 0 suspended" \
	"$(sim amdgpu_like/$GPU_1 resumes) $(sim amdgpu_like/$GPU_1 reads) $(cat /sys/bus/pci/devices/$GPU_1/power/runtime_status)"
source_has 600
wait_for "P8: less is shared, with the one that sleeps" 60 uses 600
budget 600
check "whose limit is lower" [ "$(sim amdgpu_like/$GPU_1 limit_w)" -lt "$slept_w" ]
wait_for "being written to woke it, and it sleeps again" 30 gpu_is $GPU_1 suspended
sim amdgpu_like/$GPU_1 resumes 0
ask_status
ask_status
equals "and goes on sleeping" "0 suspended" \
	"$(sim amdgpu_like/$GPU_1 resumes) $(cat /sys/bus/pci/devices/$GPU_1/power/runtime_status)"
echo on >/sys/bus/pci/devices/$GPU_1/power/control
wait_for "it wakes" 10 gpu_is $GPU_1 active
awake() { ask_status; ! grep -q 'ESHUTDOWN' $RIG/status; }
wait_for "which status says" 30 awake
equals "and nothing is above the budget" "" "$(above)"

# --- what dies ----------------------------------------------------------------------------------------------------------------------

kill -KILL "$controller_pid"
wait_for "the controller is killed" 20 finished "$controller_pid"
forget_logs
govern
resumed() { controller_said 'msg="in control"'; }
wait_for "another takes over" 30 resumed
wait_for "P7: before a limit is given up" 60 uses 600
equals "P8: and nothing was above the budget" "" "$(above)"
budget 0
kill -KILL "$(cat $RIG/helper.pid)"
wait_for "the helper is killed, and its supervisor starts another" 30 started 1
wait_for "which is governed" 60 uses 600
budget 600

# --- a driver that goes in mid-write, and comes back ------------------------------------------------------------------------------------

budget 650
sim amdgpu_like/$GPU_0 slow_ms 1500
sim amdgpu_like/$GPU_1 slow_ms 1500
source_has 650
is_writing() { ask_status; grep -q '"being_written":true\|being written\|"pending":true' $RIG/status; }
usleep 300000
rmmod amdgpu_like
is_gone() { controller_said "zone gone.* device=amdgpu:$1" || controller_said "refused.* device=amdgpu:$1 .*the zone is gone"; }
gone() { is_gone $GPU_0 && is_gone $GPU_1; }
wait_for "a driver is unloaded while it is written to: both of its GPUs are gone" 30 gone
source_has 500
wait_for "P8: the others have what there is" 60 uses 500
equals "the helper serves on, and calls no limit one that could not be put back" "0 0" \
	"$(grep -c -x 75 $RIG/statuses) $(times_helper_said 'put back')"
equals "and nothing was above the budget" "" "$(above)"
budget 0
forget_logs
plug amdgpu_like min_w=100 tell=1
wait_for "the driver is back: the helper ends with 75, because it can't open what appears" 30 ended_with_75 1
wait_for "its supervisor starts it again" 30 started 1
wait_for "P8: and the GPUs are governed with the others" 60 uses 500
budget 500
source_has 450
wait_for "P8: less again" 60 uses 450
equals "P8: at no write of a driver's the limits were above the budget together" "" "$(above)"
equals "of which the kernel's log has the first" 1 "$(dmesg | grep -c 'rig-budget 700000')"

budget 0
stop_controller
gpus_are() { [ "$(gpus)" = "$1" ]; }
wait_for "P6: the originals are back" 30 gpus_are "${original#* * }"
equals "P6: the packages', too" "$original" "$(registers) $(gpus)"
kill -TERM "$(cat $RIG/helper.pid)"
wait_for "SIGTERM ends the helper" 30 finished $supervisor
equals "P6: and they stay" "0 $original" "$(tail -n 1 $RIG/statuses) $(registers) $(gpus)"
