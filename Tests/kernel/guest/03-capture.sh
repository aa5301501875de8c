# scripts/capture on a kernel's own trees: under busybox's sh, with drivers that count who wakes them.

captured() { sh /rig/capture 2>&1 >/tmp/machine.listing && ! grep -q fails.*EUNKNOWN /tmp/machine.listing; }
row() { grep -q "^$1\$" /tmp/machine.listing; } # PATTERN: there is such a row

load psys=1
load_meters
plug amdgpu_like
plug xe_like
plug hsmp_like
plug scmi_like
gpu_sleeps $GPU_0
sim amdgpu_like/$GPU_0 resumes 0
before=$(registers)

equals "it says nothing but rows" "" "$(captured 2>&1)"
check "packages are there, by their registers' numbers" row "file 0644 devices/virtual/powercap/intel-rapl/intel-rapl:0/constraint_0_power_limit_uw 150000000"
check "what only root reads is there" row "file 0400 devices/virtual/powercap/intel-rapl/intel-rapl:0/energy_uj [0-9]*"
check "what a driver refuses to say has its errno" row "fails 0444 devices/virtual/powercap/intel-rapl/intel-rapl:1/constraint_0_max_power_uw ENODATA"
check "firmware's zones are there" row "file 0444 devices/virtual/powercap/arm-scmi/.*/constraint_0_name SCMI power-cap"
check "an ACPI power meter is, with its path" row 'file 0444 devices/LNXSYSTM:00/.*/path \\x5c_SB_.PMT0'
check "and its cap" row "file 0644 devices/LNXSYSTM:00/.*/power1_cap 400000000"
check "a GPU that is awake is read" row "file 0644 devices/pci0000:00/$GPU_1/hwmon/hwmon[0-9]*/power1_cap 250000000"
check "one that sleeps isn't" row "asleep 0644 devices/pci0000:00/$GPU_0/hwmon/hwmon[0-9]*/power1_cap"
equals "and sleeps on" "0 suspended" "$(sim amdgpu_like/$GPU_0 resumes) $(cat "/sys/bus/pci/devices/$GPU_0/power/runtime_status")"
equals "no register was written" "$before" "$(registers)"
