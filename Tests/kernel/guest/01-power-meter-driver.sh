# ACPI's power meter under its genuine driver: what raplhelper rests on, with nothing of ours in between but the firmware.

load_meters
dir=$(meter_dir 0)
cap=$dir/power1_cap

# What came of writing VALUE, what reads back, and what the firmware got.
written() { echo "$(try_write "$cap" "$1"), $(cat "$cap"), $(meter 0 limit)"; }
reads_average() { [ "$(try_read "$dir/power1_average")" = "$1" ]; }

# --- files -------------------------------------------------------------------------------------------------------------

equals "the files are the ACPI device's, not the hwmon device's" "power_meter absent" \
	"$(cat "$dir/name") $(cat "$dir"/hwmon/hwmon*/power1_cap 2>/dev/null || echo absent)"
equals "the device says its ACPI path, which is the same at every boot" '\_SB_.PMT0, \_SB_.PMT1' "$(cat "$dir/path"), $(cat "$(meter_dir 1)/path")"
equals "modes" "644 444 444 444" "$(stat -c %a "$cap" "$dir/power1_cap_min" "$dir/power1_cap_max" "$dir/power1_average" | xargs)"
equals "limits and bounds are microwatts" "400000000 100000000 400000000" "$(cat "$cap" "$dir/power1_cap_min" "$dir/power1_cap_max" | xargs)"
equals "there is no default to go back to" absent "$([ -e "$dir/power1_cap_default" ] || echo absent)"

# --- writing a limit ------------------------------------------------------------------------------------------------------

equals "a limit in milliwatts reads back as written" "ok, 250001000, 250001" "$(written 250001000)"
equals "a limit is rounded to the NEAREST milliwatt: down" "ok, 250000000, 250000" "$(written 250000499)"
equals "and up" "ok, 250001000, 250001" "$(written 250000500)"
equals "below the least is refused" "Invalid argument, 250001000, 250001" "$(written 99999000)"
equals "unless it rounds to the least" "ok, 100000000, 100000" "$(written 99999500)"
equals "above the greatest is refused" "Invalid argument, 100000000, 100000" "$(written 400001000)"
equals "0 is refused: this limit can't be disabled" "Invalid argument, 100000000, 100000" "$(written 0)"
meter 0 sets 0
equals "a refused value never reaches the firmware" "Invalid argument 0" "$(try_write "$cap" 0) $(meter 0 sets)"
equals "one write is one call of the firmware" "ok 1" "$(try_write "$cap" 200000000) $(meter 0 sets)"
meter 0 limit 300000
equals "a limit changed by firmware shows at once" 300000000 "$(cat "$cap")"

# --- firmware with a mind of its own --------------------------------------------------------------------------------------------

meter 0 mode 1
equals "firmware that refuses is EINVAL" "Invalid argument, 300000000, 300000" "$(written 200000000)"
meter 0 mode 2
equals "firmware that refuses without a word is success" "ok, 300000000, 300000" "$(written 200000000)"
meter 0 mode 3
equals "firmware that counts in watts is success" "ok, 200000000, 200000" "$(written 200999000)"
meter 0 mode 0

# --- measuring ------------------------------------------------------------------------------------------------------------

meter 0 limit 300000
meter 0 demand 350000
wait_for "a machine that is capped draws its limit" 5 reads_average 300000000
meter 0 demand 231500
wait_for "and one that isn't its demand" 5 reads_average 231500000
meter 0 mode 4
# Before Linux 6.1.68 and 6.7 it read 4294967295000, 2^32 - 1 milliwatts.
wait_for "a power that the firmware doesn't know is ENODATA" 5 reads_average "No data available"
meter 0 mode 0

# --- permission -----------------------------------------------------------------------------------------------------------

exec 9<>"$cap"
check "nobody writes a limit through root's descriptor" su -s /bin/sh nobody -c 'echo -n 210000000 >&9'
equals "and it is in force" 210000 "$(meter 0 limit)"
exec 9<&-

meter 0 fixed 1
plug acpi_power_meter force_cap_on=1
equals "a limit that can't be configured is a file that can't be written" 444 "$(stat -c %a "$(meter_dir 0)/power1_cap")"
meter 0 fixed 0
plug acpi_power_meter
equals "without force_cap_on another maker's machine than IBM's has no limit" absent "$([ -e "$(meter_dir 0)/power1_cap" ] || echo absent)"
check "and measures" cat "$(meter_dir 0)/power1_average"
