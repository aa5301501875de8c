# P8: power that one package doesn't need goes to the one that starves, and is never anybody's twice.

# Watches the registers, much faster than they change. Both are read one after the other, so the first is looked at again: what was the same
# before and after the second was there with it.
watch_pairs() { # FILE: each sum of long_term that differs from the one before, in eighths of a watt
	local first second again sum last=0
	while [ -e "$1.run" ]; do
		read -r first <$REGISTERS/package-0/limit
		read -r second <$REGISTERS/package-1/limit
		read -r again <$REGISTERS/package-0/limit
		[ "$first" = "$again" ] || continue
		sum=$(((first & 0x7fff) + (second & 0x7fff)))
		[ $sum = $last ] || echo $sum
		last=$sum
	done >"$1"
}

eighths() { # PACKAGE: its long_term limit
	local value
	read -r value <"$REGISTERS/package-$1/limit"
	echo $((value & 0x7fff))
}
shares() { # AT_MOST AT_LEAST: package 0 has at most, package 1 at least so many watts
	[ "$(eighths 0)" -le $(($1 * 8)) ] && [ "$(eighths 1)" -ge $(($2 * 8)) ]
}
shares_back() { [ "$(eighths 1)" -le $(($1 * 8)) ] && [ "$(eighths 0)" -ge $(($2 * 8)) ]; }

# Asked again until it is so: a sample of the helper's that falls between the shell's two readings takes some watts off.
draws() { [ "$(milliwatts "$1")" -ge "$2" ]; } # PACKAGE MILLIWATTS

load demand_mw=45000,140000
start_helper
# Decided once: what happens from here on is nothing that a source says.
start_controller SPLIT=demand MAX_SOURCE=200W STABILISATION_TIME=1h SAMPLE_INTERVAL=1h RAPL_MIN_POWER=40W
wait_for "at first the packages share 200 W in proportion" 20 limits_are "100/100 100/100"
: >$RIG/sums.run
watch_pairs $RIG/sums &
watcher=$!
wait_for "package 1 has what package 0 doesn't need" 30 shares 60 140
wait_for "and draws what it wants" 20 draws 1 133000
poke 0 demand_mw 140000
poke 1 demand_mw 45000
wait_for "package 0 wakes up, package 1 has nothing to do: it is the other way round" 40 shares_back 60 140
wait_for "package 0 draws what it wants" 20 draws 0 133000
check "package 1 may draw the 45 W that it wants" [ "$(eighths 1)" -ge 360 ]
poke 1 demand_mw 140000
wait_for "both want more than there is: they share it in proportion" 30 limits_are "100/100 100/100"
poke 0 demand_mw 45000
wait_for "package 0 has nothing to do any more" 40 shares 60 140
rm $RIG/sums.run
wait $watcher
check "all of this was seen in the registers" [ "$(wc -l <$RIG/sums)" -ge 6 ]
equals "P8: at no moment were the limits above 200 W together" 0 "$(awk '$1 > 1600' $RIG/sums | wc -l)"
check "P8: there were moments at which they were below: power on its way" [ "$(sort -n $RIG/sums | head -n 1)" -lt 1300 ]
equals "a move within one limit is nothing to tell an administrator" 4 "$(times_controller_said 'msg="limit changed"')"

# A counter that stands still says nothing: no load draws no energy at all.
poke 0 demand_mw 0
wait_for "where it isn't known what a package draws, the limit is divided in proportion" 30 limits_are "100/100 100/100"
equals "and that is told once" 1 "$(times_controller_said 'it isn.t known what a package draws')"
poke 0 demand_mw 45000
wait_for "it is known again" 40 shares 60 140

# Power is on its way to package 1 when control ends.
poke 0 demand_mw 140000
poke 1 demand_mw 45000
wait_for "package 1 was lowered" 40 eval '[ "$(eighths 1)" -le 480 ]'
stop_controller
stop_helper
equals "P6: the originals are back" "0 150/180 150/180" "$exit_status $(limits)"
