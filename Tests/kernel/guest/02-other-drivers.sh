# The modules that stand for hardware which no emulator has behave as the drivers that they are faithful to.

written() { echo "$(try_write "$cap" "$1"), $(try_read "$cap")"; } # what came of writing VALUE, and what reads back

# --- amdgpu --------------------------------------------------------------------------------------------------------------

plug amdgpu_like min_w=100
dir=$(hwmon amdgpu $GPU_0) cap=$dir/power1_cap
check "amdgpu: a second GPU is a second device" hwmon amdgpu $GPU_1
equals "amdgpu: bounds and default" "100000000 300000000 250000000 250000000" \
	"$(cat "$dir/power1_cap_min" "$dir/power1_cap_max" "$dir/power1_cap_default" "$cap" | xargs)"
equals "amdgpu: a limit is cut off to watts" "ok, 200000000" "$(written 200999999)"
equals "amdgpu: above the greatest is refused" "Invalid argument, 200000000" "$(written 301000000)"
equals "amdgpu: below the least is refused" "Invalid argument, 200000000" "$(written 99999999)"
equals "amdgpu: so is 0" "Invalid argument, 200000000" "$(written 0)"
sim amdgpu_like/$GPU_0 demand_mw 250500
equals "amdgpu: it draws its limit" 200000000 "$(cat "$dir/power1_average")"
sim amdgpu_like/$GPU_0 reset Y
equals "amdgpu: in a reset nothing may be done" "Operation not permitted, Operation not permitted" "$(written 150000000)"
sim amdgpu_like/$GPU_0 reset N
sim amdgpu_like/$GPU_0 fail_read Y
equals "amdgpu: a limit that can't be read is an empty line" 1 "$(wc -c <"$cap")"
equals "amdgpu: a power that can't be read is an error" "Timer expired" "$(try_read "$dir/power1_average")"
sim amdgpu_like/$GPU_0 fail_read N

gpu_sleeps $GPU_0
sim amdgpu_like/$GPU_0 resumes 0
cat "/sys/bus/pci/devices/$GPU_0/power/runtime_status" "$dir/name" >/dev/null
equals "amdgpu: asking whether it sleeps doesn't wake it" "0 suspended" \
	"$(sim amdgpu_like/$GPU_0 resumes) $(cat "/sys/bus/pci/devices/$GPU_0/power/runtime_status")"
cat "$dir/power1_average" >/dev/null
equals "amdgpu: reading its power does" 1 "$(sim amdgpu_like/$GPU_0 resumes)"

plug amdgpu_like
dir=$(hwmon amdgpu $GPU_0) cap=$dir/power1_cap
equals "amdgpu before 6.7: the least is 0" 0 "$(cat "$dir/power1_cap_min")"
equals "amdgpu before 6.7: and 0 is the limit that there is" "ok, 250000000" "$(written 0)"
plug amdgpu_like no_wake=1
gpu_sleeps $GPU_0
equals "amdgpu from 6.16: a sleeping GPU says nothing" "Operation not permitted 0" \
	"$(try_read "$(hwmon amdgpu $GPU_0)/power1_average") $(sim amdgpu_like/$GPU_0 resumes)"

# --- xe and i915 -----------------------------------------------------------------------------------------------------------

plug xe_like
dir=$(hwmon xe $INTEL_GPU) cap=$dir/power2_max
equals "xe: card and package" "card pkg 225000000 225000000" \
	"$(cat "$dir/power1_label" "$dir/power2_label" "$dir/power1_max" "$dir/power2_rated_max" | xargs)"
equals "xe: a limit is rounded to the NEAREST 1/8 W, up too" "ok, 100125000" "$(written 100062500)"
equals "xe: below the least is success, and the least" "ok, 60000000" "$(written 1000000)"
equals "xe: above the greatest is success, and the greatest" "ok, 250000000" "$(written 4000000000)"
equals "xe: 0 disables the limit" "ok, 0" "$(written 0)"
equals "xe: the bit that enables it is clear" 0 "$(($(sim xe_like power2_limit) & 0x8000))"
equals "xe: a limit enables it" "ok, 120000000" "$(written 120000000)"
sim xe_like demand_mw 200000
energy=$(cat "$dir/energy1_input")
usleep 200000
check "xe: it counts energy" [ "$(cat "$dir/energy1_input")" -gt "$energy" ]
plug xe_like always_on=1
cap=$(hwmon xe $INTEL_GPU)/power1_max
equals "xe: where it can't be disabled" "Operation not supported, 225000000" "$(written 0)"

plug xe_like name=i915 always_on=1
dir=$(hwmon i915 $INTEL_GPU) cap=$dir/power1_max
equals "i915: likewise, with another error" "No such device, 225000000" "$(written 0)"
equals "i915: it has one limit" absent "$([ -e "$dir/power2_max" ] || echo absent)"

# --- HSMP ------------------------------------------------------------------------------------------------------------------

plug hsmp_like
cap=$(hwmon amd_hsmp_hwmon AMDI0097:00)/power1_cap
check "HSMP: each socket is a device" hwmon amd_hsmp_hwmon AMDI0097:01
equals "HSMP: a limit is cut off to milliwatts" "ok, 200000000" "$(written 200000999)"
equals "HSMP: below the least is success, and the least" "ok, 75000000" "$(written 1000000)"
equals "HSMP: there is no least to read" absent "$([ -e "${cap}_min" ] || echo absent)"
sim hsmp_like/socket-0 fail Y
equals "HSMP: a mailbox that doesn't answer" "Connection timed out, Connection timed out" "$(written 200000000)"

# --- SCMI ------------------------------------------------------------------------------------------------------------------

plug scmi_like
top=$POWERCAP/arm-scmi/arm-scmi:0
cap=$top/constraint_0_power_limit_uw
equals "SCMI: zones are nested, and their names are the firmware's" "SoC cluster0 cluster1" "$(cat "$top/name" "$top"/arm-scmi:0:*/name | xargs)"
equals "SCMI: the constraint's name has a blank" "SCMI power-cap" "$(cat "$top/constraint_0_name")"
equals "SCMI: power, and no energy" "0 absent" "$(cat "$top/power_uw") $([ -e "$top/energy_uj" ] || echo absent)"
equals "SCMI: bounds" "100000000 400000000" "$(cat "$top/constraint_0_min_power_uw" "$top/constraint_0_max_power_uw" | xargs)"
equals "SCMI: a limit is rounded down to the zone's step" "ok, 200000000" "$(written 200999000)"
equals "SCMI: a part of a milliwatt is a whole one first" "ok, 201000000" "$(written 200999001)"
equals "SCMI: below the least is success, and the least" "ok, 100000000" "$(written 0)"
equals "SCMI: above the greatest is success, and the greatest" "ok, 400000000" "$(written 900000000)"
try_write "$top/enabled" 0 >/dev/null
equals "SCMI: a disabled zone's limit reads 0" "0 0" "$(cat "$top/enabled" "$cap" | xargs)"
equals "SCMI: and takes a limit without enabling it" "ok, 0" "$(written 300000000)"
try_write "$top/enabled" 1 >/dev/null
equals "SCMI: which it has when it is enabled" "1 300000000" "$(cat "$top/enabled" "$cap" | xargs)"
cap=$(grep -lx cluster1 "$top"/*/name) cap=${cap%name}constraint_0_power_limit_uw
equals "SCMI: each zone has its step" "ok, 100250000" "$(written 100499999)"
