# An Arm server's limits, as control type arm-scmi: nested zones, powers instead of energies, firmware's own steps.

needs_client
TOP=arm-scmi:0/SCMI-power-cap
one() { echo "arm-scmi:0:$1/SCMI-power-cap"; } # of the two clusters
firmware() { echo "$(sim scmi_like/SoC limit) $(sim scmi_like/cluster0 limit) $(sim scmi_like/cluster1 limit)"; }
firmware_has() { [ "$(firmware)" = "$1" ]; }
govern() { start_helper --sysfs /sys --govern arm-scmi; }

plug scmi_like
original=$(firmware)
start_helper --sysfs /sys
has "P6: not named, it isn't governed" "$TOP  original 400 W  notGoverned" "$(client zones)"
sim scmi_like/cluster0 demand 150000
readings=$(client sample)
has "a zone that says its power is measured" "cluster0  150 W" "$readings"
has "and the one that it is in" "SoC  150 W" "$readings"
stop_helper
equals "P6: nothing was written" 0 "$(sim scmi_like/SoC writes)"

govern
start_client $TOP=250.5005 "$(one 0)=100.3" "$(one 1)=80.2"
wait_for "a limit is rounded down by us to milliwatts, by firmware to its steps" 20 firmware_has "250000 100000 80000000"
has "P4: and samples say what is in force" "SCMI-power-cap  80 W" "$(client sample)"
stop_client
wait_for "P6: the originals are back" 20 firmware_has "$original"
has "P3: below the zone's least is refused" "below the constraint's floor" "$(client apply $TOP=99)"
equals "P3: and not written" "$original" "$(firmware)"
start_client $TOP=200
wait_for "a limit is in force" 20 firmware_has "200000 ${original#* }"
stop_helper KILL
stop_client KILL
govern
wait_for "P6: after a SIGKILL the original is back" 20 firmware_has "$original"
stop_helper
equals "the helper ends in good order" 0 "$exit_status"
