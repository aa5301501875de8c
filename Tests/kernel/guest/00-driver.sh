# The rig is genuine: what raplhelper rests on, shown with a shell and nothing of ours in between but the registers.
# A check that fails here says that the kernel behaves otherwise than the helper believes; look there first.

kernel=$(uname -r)

# What came of writing VALUE to package-0's long_term limit, and what reads back.
written() { echo "$(try_write "$pl1" "$1"), $(cat "$pl1")"; }

# --- zones -------------------------------------------------------------------------------------------------------------

load psys=1 mmio=1 pp0=1
pl1=$(constraint package-0 long_term power_limit_uw)

equals "package-0 has index 0" intel-rapl:0 "$(basename "$(zone package-0)")"
equals "psys stands in the middle, with index 1" intel-rapl:1 "$(basename "$(zone psys)")"
equals "package-1 has index 2: an index is no package number" intel-rapl:2 "$(basename "$(zone package-1)")"
equals "core and dram are inside their package" "intel-rapl:2:0 intel-rapl:2:1" \
	"$(basename "$(zone package-1/core)") $(basename "$(zone package-1/dram)")"
equals "mmio has a zone of the same name beside" intel-rapl-mmio:0 "$(basename "$(zone mmio/package-0)")"
equals "/sys/class/powercap holds links to the real directories" "../../devices/virtual/powercap/intel-rapl/intel-rapl:0" \
	"$(readlink /sys/class/powercap/intel-rapl:0)"
equals "energy_uj is root's alone, a limit is everybody's to read" "400 644" \
	"$(stat -c %a "$(zone package-0)/energy_uj") $(stat -c %a "$pl1")"
equals "max_power_uw is the TDP, and the maximum for short_term" "150000000 300000000" \
	"$(cat "$(constraint package-0 long_term max_power_uw)") $(cat "$(constraint package-0 short_term max_power_uw)")"
equals "psys has no max_power_uw to tell" "No data available" "$(try_read "$(constraint psys long_term max_power_uw)")"

# --- writing a limit ---------------------------------------------------------------------------------------------------

equals "a limit in whole steps reads back as written" "ok, 120000000" "$(written 120000000)"
equals "a limit is floored to steps of 125 mW" "ok, 101000000" "$(written 101000001)"
equals "less than a step is accepted, and is 0" "ok, 0" "$(written 124999)"
equals "a limit above max_power_uw is accepted" "ok, 1000000000" "$(written 1000000000)"
equals "4096 W wraps to 0" "ok, 0" "$(written 4096000000)"
equals "4097 W wraps to 1 W" "ok, 1000000" "$(written 4097000000)"
equals "a negative limit is refused" "Invalid argument, 1000000" "$(written -1)"
equals "a limit with a leading space is refused" "Invalid argument, 1000000" "$(written ' 120000000')"
{ echo -n 1250; echo -n 00000; } >"$pl1"
equals "a number in two writes is two numbers" 0 "$(cat "$pl1")"

poke 0 limit 0x004785a0001584b0
equals "a register changed by firmware shows at once" "150000000 180000000" \
	"$(limit_of package-0 long_term) $(limit_of package-0 short_term)"
poke 0 reads 0
poke 0 writes 0
equals "one write to a limit is one write to the hardware" "ok 1" "$(set_limit package-0 long_term 90000000) $(raw 0 writes)"
equals "and it changes these bits alone" 0x004785a0001582d0 "$(raw 0 limit)"
equals "a refused value never reaches the hardware" "Invalid argument 1" "$(set_limit package-0 long_term 9e7) $(raw 0 writes)"
equals "limits of the two control types are two registers" "ok, 90000000, 70000000" \
	"$(set_limit mmio/package-0 long_term 70000000), $(limit_of package-0 long_term), $(limit_of mmio/package-0 long_term)"

window=$(constraint package-0 long_term time_window_us)
equals "a time window is rounded down to 2^Y(1+F/4) units" "ok 27983872" "$(try_write "$window" 28000000) $(cat "$window")"
equals "and what reads back can be written again" "ok 27983872" "$(try_write "$window" 27983872) $(cat "$window")"

# --- enabled -----------------------------------------------------------------------------------------------------------

poke 0 limit 0x004785a0001584b0
enabled=$(zone package-0)/enabled
equals "enabled 0 also clears both clamps and short_term's enable" "ok 0x004605a0001404b0" "$(try_write "$enabled" 0) $(raw 0 limit)"
equals "a limit written to a disabled zone does not enable it" "ok 100000000 0" \
	"$(set_limit package-0 long_term 100000000) $(limit_of package-0 long_term) $(cat "$enabled")"
equals "enabled 1 sets them all" "ok 0x004785a000158320" "$(try_write "$enabled" 1) $(raw 0 limit)"

# --- descriptors outlive privilege, not the zone ---------------------------------------------------------------------------

exec 8<"$(zone package-1)/energy_uj" 9<>"$(constraint package-1 long_term power_limit_uw)"
old_read() { local said; said=$(cat <&8 2>&1); echo "${said##*: }"; }
old_write() { local said; said=$({ echo -n 100000000 >&9; } 2>&1); echo "${said##*: }"; }

equals "nobody may not open energy_uj" "Permission denied" \
	"$(su -s /bin/sh nobody -c "cat $(zone package-1)/energy_uj" 2>&1 | sed 's/.*: //')"
check "nobody reads energy_uj through root's descriptor" su -s /bin/sh nobody -c '[ "$(cat <&8)" -gt 0 ]'
check "nobody writes a limit through root's descriptor" su -s /bin/sh nobody -c 'echo -n 110000000 >&9'
equals "and it is in force" 110000000 "$(limit_of package-1 long_term)"

package_1 offline
equals "a package goes with its last CPU" "" "$(zone package-1)"
check "the others stay" zone psys
equals "an old descriptor reads ENODEV" "No such device" "$(old_read)"
equals "an old descriptor writes ENODEV" "No such device" "$(old_write)"
package_1 online
equals "back, the zone has its limit but is disabled" "110000000 0" "$(limit_of package-1 long_term) $(cat "$(zone package-1)/enabled")"
equals "an old descriptor stays at ENODEV for reading" "No such device" "$(old_read)"
equals "and for writing" "No such device" "$(old_write)"
exec 8<&- 9<&-

# --- what goes wrong underneath --------------------------------------------------------------------------------------------

fail_writes 1
case $kernel in
6.1.*)
	equals "a failed register write is answered with success" ok "$(set_limit package-0 long_term 80000000)"
	;;
*)
	equals "a failed register write is answered with ENODATA" "No data available" "$(set_limit package-0 long_term 80000000)"
	;;
esac
fail_writes 0
equals "and changes nothing" 100000000 "$(limit_of package-0 long_term)"

fail_reads 1
equals "energy_uj of unreadable hardware is EINVAL" "Invalid argument" "$(try_read "$(zone package-0)/energy_uj")"
equals "a limit of unreadable hardware is ENODATA" "No data available" "$(try_read "$pl1")"
check "the other package is readable" cat "$(zone package-1)/energy_uj"
fail_reads 0

load lock=1 psys=1
poke 0 writes 0
equals "a limit locked by firmware is ENODATA" "No data available, 150000000" \
	"$(set_limit package-0 long_term 100000000), $(limit_of package-0 long_term)"
equals "a locked zone reads disabled and refuses to be enabled" "0 Function not implemented" \
	"$(cat "$(zone package-0)/enabled") $(try_write "$(zone package-0)/enabled" 1)"
equals "psys is locked with its package" "No data available" "$(set_limit psys long_term 100000000)"
equals "the hardware was not asked" 0 "$(raw 0 writes)"
check "a locked zone's energy is readable" cat "$(zone package-0)/energy_uj"
equals "the other package is not locked" "ok, 100000000" \
	"$(set_limit package-1 long_term 100000000), $(limit_of package-1 long_term)"
dram="$(set_limit package-0/dram long_term 30000000), $(limit_of package-0/dram long_term)"
case $kernel in
6.1.*)
	equals "a locked dram limit is answered with success, unchanged" "ok, 0" "$dram"
	;;
*)
	equals "a locked dram limit is ENODATA" "No data available, 0" "$dram"
	;;
esac

# --- other machines --------------------------------------------------------------------------------------------------------

load pl4=1 max_power_zero=1 psys=3
equals "peak_power is a third constraint" "400000000 ok 300000000" \
	"$(limit_of package-0 peak_power) $(set_limit package-0 peak_power 300000000) $(limit_of package-0 peak_power)"
equals "firmware without power information gives max_power_uw 0" 0 "$(cat "$(constraint package-0 long_term max_power_uw)")"
check "a second psys is psys-1" zone psys-1

load nolimit=1
equals "a monitor-only zone has no constraint files" "" "$(cd "$(zone package-0)" && ls | grep constraint)"
check "and counts energy" cat "$(zone package-0)/energy_uj"

# --- energy ------------------------------------------------------------------------------------------------------------

range=262143328850
load energy_start=$((range - 1000000)) demand_mw=0,0
counter=$(zone package-0)/energy_uj
before=$(cat "$counter")
equals "max_energy_range_uj is 2^32 units" $range "$(cat "$(zone package-0)/max_energy_range_uj")"
poke 0 demand_mw 100000
since=$(raw 0 counted_ns)
wraps() { [ "$(cat "$counter")" -lt "$before" ]; }
wait_for "the energy counter wraps" 10 wraps
after=$(cat "$counter")
near "new + range - old is the energy used" $((($(raw 0 counted_ns) - since) / 10)) $((after + range - before))

load mmio=1 demand_mw=200000,50000
near "a package whose demand is above its cap draws the cap" 150000 "$(milliwatts 0)"
near "and one below draws its demand" 50000 "$(milliwatts 1)"
set_limit package-0 long_term 100000000 >/dev/null
near "demand follows the cap down" 100000 "$(milliwatts 0)"
set_limit mmio/package-0 long_term 80000000 >/dev/null
near "the lower of the two control types' limits wins" 80000 "$(milliwatts 0)"
poke 0 demand_mw 0
equals "both show the same counter" "$(cat "$(zone package-0)/energy_uj")" "$(cat "$(zone mmio/package-0)/energy_uj")"
poke 0 demand_mw 200000
set_limit mmio/package-0 long_term 250000000 >/dev/null
set_limit package-0 long_term 250000000 >/dev/null
near "short_term caps where long_term is higher" 180000 "$(milliwatts 0)"
set_limit package-0 long_term 20000000 >/dev/null
near "no cap pushes a package below its minimum" 30000 "$(milliwatts 0)"
try_write "$(zone package-0)/enabled" 0 >/dev/null
try_write "$(zone mmio/package-0)/enabled" 0 >/dev/null
near "a disabled zone caps nothing" 200000 "$(milliwatts 0)"
