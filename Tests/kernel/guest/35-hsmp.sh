# AMD sockets by HSMP: no least limit to read, a mailbox that counts milliwatts and may not answer, firmware that clamps.

needs_client
S0=amd_hsmp_hwmon:AMDI0097:00/power1_cap S1=amd_hsmp_hwmon:AMDI0097:01/power1_cap
firmware() { echo "$(sim hsmp_like/socket-0 limit_mw) $(sim hsmp_like/socket-1 limit_mw)"; }
firmware_has() { [ "$(firmware)" = "$1" ]; }
govern() { start_helper --sysfs /sys --govern amd_hsmp --min-power 50W; }

plug hsmp_like
original=$(firmware)
start_helper --sysfs /sys
has "P6: not named, it isn't governed" "$S0  original 360 W  notGoverned" "$(client zones)"
stop_helper
equals "P6: nothing was written" "0 0" "$(sim hsmp_like/socket-0 writes) $(sim hsmp_like/socket-1 writes)"

govern
has "P3: where the driver has no least limit, --min-power is it" "$S0  original 360 W  50 to 360 W" "$(client zones)"
start_client $S0=200.0009 $S1=150
wait_for "limits are whole milliwatts" 20 firmware_has "200000 150000"
stop_client
wait_for "P6: the originals are back" 20 firmware_has "$original"
start_client $S0=60
wait_for "P4: what firmware clamps is said not to be in force" 60 failure_is_told AMDI0097:00 "isn't in force"
stop_client
sim hsmp_like/socket-0 fail Y
start_client $S0=200 $S1=150
wait_for "P5: a mailbox that doesn't answer is told" 60 failure_is_told AMDI0097:00 "can't be read"
equals "P5: and the other socket was left alone" 360000 "$(sim hsmp_like/socket-1 limit_mw)"
stop_client
sim hsmp_like/socket-0 fail N
start_client $S1=150
wait_for "the other socket is governed" 20 firmware_has "360000 150000"
stop_helper KILL
stop_client KILL
govern
wait_for "P6: after a SIGKILL the originals are back" 20 firmware_has "$original"
stop_helper
equals "the helper ends in good order" 0 "$exit_status"
