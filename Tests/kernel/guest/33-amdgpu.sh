# AMD GPUs: whole watts, a device that sleeps and isn't woken, a reset, and originals that come back.

needs_client
A=amdgpu:$GPU_0/power1_cap B=amdgpu:$GPU_1/power1_cap
firmware() { echo "$(sim amdgpu_like/$GPU_0 limit_w) $(sim amdgpu_like/$GPU_1 limit_w)"; }   # W, of both
firmware_has() { [ "$(firmware)" = "$1" ]; }
govern() { start_helper --sysfs /sys --govern gpu; }

plug amdgpu_like min_w=100
sim amdgpu_like/$GPU_0 demand_mw 280000
has "a GPU is found by its PCI address, and limits are whole watts" "step: 1.000 W" "$(helper --sysfs /sys --list --govern gpu)"

start_helper --sysfs /sys
has "P6: not named, it isn't governed" "$A  original 250 W  notGoverned" "$(client zones)"
wait_for "it is measured" 60 sample_says "$GPU_0  250 W"
stop_helper
equals "P6: nothing was written" "0 0" "$(sim amdgpu_like/$GPU_0 writes) $(sim amdgpu_like/$GPU_1 writes)"

# --- limits -------------------------------------------------------------------------------------------------------------------

govern
start_client $A=180.9 $B=150
wait_for "limits are cut off to watts" 20 firmware_has "180 150"
wait_for "P4: and samples say so" 60 sample_says "power1_cap  180 W"
stop_client
wait_for "P6: the originals are back" 20 firmware_has "250 250"
start_client $A=180
wait_for "a limit is in force" 20 firmware_has "180 250"
stop_helper KILL
stop_client KILL
govern
wait_for "P6: after a SIGKILL, too" 20 firmware_has "250 250"

# --- a driver that says no ---------------------------------------------------------------------------------------------------------

sim amdgpu_like/$GPU_0 reset Y
start_client $A=180
wait_for "in a reset nothing can be done, which is told" 60 failure_is_told "$GPU_0" "can't be read"
wait_for "and a reading that can't be had is none" 60 sample_says "$GPU_0  errno"
equals "but not as a limit that couldn't be put back: nothing had changed" 0 "$(times_helper_said 'put back')"
check "the helper stays" running "$helper_pid"
stop_client
sim amdgpu_like/$GPU_0 reset N
limit_is_known() { client sample | grep -A 1 "^amdgpu:$GPU_0 " | grep -q "power1_cap  250 W"; }
wait_for "once it is over the limit is known again" 60 limit_is_known
sim amdgpu_like/$GPU_0 ignore_write Y
start_client $A=180
wait_for "P4: a limit that is ignored is said not to be in force" 60 failure_is_told "$GPU_0" "isn't in force"
stop_client
sim amdgpu_like/$GPU_0 ignore_write N
sim amdgpu_like/$GPU_1 fail_read Y
wait_for "an empty line is no limit that anybody knows" 60 sample_says "power1_cap  errno"
wait_for "and the other GPU is read" 60 sample_says "$GPU_0  250 W"
sim amdgpu_like/$GPU_1 fail_read N

# --- sleep -----------------------------------------------------------------------------------------------------------------------

gpu_sleeps $GPU_1
sim amdgpu_like/$GPU_1 resumes 0
sim amdgpu_like/$GPU_1 reads 0
wait_for "a GPU that sleeps has no reading" 60 sample_says "$GPU_1  errno 108"
start_client $A=180
wait_for "the other's limit is set meanwhile" 20 firmware_has "180 250"
stop_client
equals "and nobody woke it" "0 0 suspended" \
	"$(sim amdgpu_like/$GPU_1 resumes) $(sim amdgpu_like/$GPU_1 reads) $(cat /sys/bus/pci/devices/$GPU_1/power/runtime_status)"
wait_for "P6: the original is back" 20 firmware_has "250 250"
stop_helper
equals "the helper ends in good order" "0 250 250" "$exit_status $(firmware)"
