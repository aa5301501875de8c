# Devices that appear while the helper serves, which can't open anything any more: where they are to be governed it starts again, and
# where they would only be measured it says once that it could.

raplhelper --help | grep -q -e --govern || nothing_to_see "this helper has no --govern"
load
start_helper --sysfs /sys
plug amdgpu_like
told() { helper_said 'a device appeared that could be measured.*driver=amdgpu'; }
wait_for "a GPU that would be measured is told" 20 told
plug xe_like
plug hsmp_like
plug amdgpu_like
check "the helper serves on: no limit is given up for a measurement" running "$helper_pid"
stop_helper
equals "that was told once" 1 "$(times_helper_said 'a device appeared')"
has "a new start measures it" "amdgpu:$GPU_0" "$(helper --sysfs /sys --list)"

# A node whose only limits are those of its GPUs.
unload
unplug
plug amdgpu_like
start_supervised --sysfs /sys --govern gpu
plug xe_like
wait_for "a GPU that is to be governed appears: the helper ends with 75" 20 ended_with_75 1
wait_for "and its supervisor starts it again" 20 started 2
listed() { helper --sysfs /sys --list --govern gpu | grep -A 1 "xe:$INTEL_GPU" | grep -q "may be set"; }
check "with the GPU" listed
rmmod xe_like
kill -TERM "$(cat $RIG/helper.pid)"
wait_for "SIGTERM ends it" 20 finished $supervisor
equals "once was enough, and a device that goes starts nothing" "75 0" "$(statuses)"

# AMD's sockets have a driver that isn't called as their devices are.
start_supervised --sysfs /sys --govern amd_hsmp,gpu
plug hsmp_like
wait_for "a socket whose limits are to be governed appears: the helper ends with 75" 20 ended_with_75 1
wait_for "and is started again" 20 started 2
kill -TERM "$(cat $RIG/helper.pid)"
wait_for "SIGTERM ends it" 20 finished $supervisor
equals "once was enough for both sockets" "75 0" "$(statuses)"
