# RAPL through TPMI, as all that the newest server parts have: the genuine drivers, the same names, other registers.

case $(uname -r) in 6.1.*) nothing_to_see "Linux 6.1 has no driver for TPMI" ;; esac

load_tpmi
pl1() { # both packages' limits in watts, as the hardware has them, and whether each is enabled
	local package raw text=''
	for package in 0 1; do
		raw=$(sim tpmi_sim/package-$package pl1)
		text="$text$(((raw & 0x3ffff) / 8)):$((raw >> 62 & 1)) "
	done
	echo "${text% }"
}
pl1_is() { [ "$(pl1)" = "$1" ]; }
untouched() { echo "$(sim tpmi_sim/package-0 pl4) $(sim tpmi_sim/package-0 psys) $(sim tpmi_sim/package-0 dram) $(sim tpmi_sim/package-1 dram)"; }

# --- the driver ------------------------------------------------------------------------------------------------------------

equals "zones have the names that they have through MSRs" "package-0 psys package-1" "$(cat $POWERCAP/intel-rapl/intel-rapl:*/name | xargs)"
equals "a package has three limits" "long_term short_term peak_power" "$(cat "$(zone package-0)"/constraint_*_name | xargs)"
equals "and dram one" long_term "$(cat "$(zone package-0/dram)"/constraint_*_name)"
file=$(constraint package-0 long_term power_limit_uw)
equals "a limit is floored to steps of 125 mW" "ok 101000000" "$(try_write "$file" 101000001) $(cat "$file")"
equals "a register has room for more than 4095 W" "ok 5000000000" "$(try_write "$file" 5000000000) $(cat "$file")"
equals "max_power_uw is the TDP, and the maximum for short_term" "350000000 500000000" \
	"$(cat "$(constraint package-0 long_term max_power_uw)") $(cat "$(constraint package-0 short_term max_power_uw)")"
try_write "$file" 350000000 >/dev/null

# --- the programs ------------------------------------------------------------------------------------------------------------

original="$(pl1) $(sim tpmi_sim/package-0 pl2) $(sim tpmi_sim/package-1 pl2)"
others=$(untouched)
start_helper
start_controller MAX_SOURCE=400W
wait_for "P8: the packages share 400 W" 20 pl1_is "200:1 200:1"
equals "P6: psys, dram and peak_power are as they were" "$others" "$(untouched)"
measured() { ask_status && [ "$(said package-0 power_uw)" -gt 190000000 ] && [ "$(said package-0 power_uw)" -lt 210000000 ]; }
wait_for "power is measured from the counters" 20 measured
equals "P4: status says what is in force" 200000000 "$(said package-0/long_term in_force_uw)"
stop_controller KILL
stop_helper KILL
start_helper
equals "P6: a SIGKILL doesn't make limits permanent" "$original" "$(pl1) $(sim tpmi_sim/package-0 pl2) $(sim tpmi_sim/package-1 pl2)"
set_once MAX_SOURCE=300W
equals "they can be set again" "150:1 150:1" "$(pl1)"
stop_helper
equals "P6: the originals are back, bit for bit" "0 $original" "$exit_status $(pl1) $(sim tpmi_sim/package-0 pl2) $(sim tpmi_sim/package-1 pl2)"
