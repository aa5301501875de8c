# The solar curve on the wall's clock: the registers hold what `plan` says for the time, and follow when the clock is set.

plan() { # TIMEZONE DATE: what is to come, decided anew in every line; columns 5 and 6 are the long_term limits
	controller SOURCE=solar MAX_SOURCE=200.1W STABILISATION_TIME=1 TIMEZONE="$1" -- \
		plan --zones $RIG/zones.json --date "$2" --step 10s --format csv
}

# The curve moves on while a check is made. So it is made at the first of three lines that say the same: 20 s of room.
moment() { # HH:MM: sets planned_time (local, with its offset) and planned (limits as `limits` prints them)
	local line
	line=$(awk -F , -v from="T$1:00" '
		substr($1, 11) >= from { if ($5 "," $6 == last) n++; else { n = 1; first = $1 } last = $5 "," $6 }
		n == 3 { printf "%s %.10g/%.10g %.10g/%.10g", first, $5 / 1e6, $5 / 1e6, $6 / 1e6, $6 / 1e6; exit }' $RIG/plan.csv)
	planned_time=${line%% *} planned=${line#* }
}

local_time() { # TIMEZONE: planned_time as seconds since 1970
	local time=${planned_time%[+-]??:??}
	TZ=$1 date -d "${time%T*} ${time#*T}" +%s
}

load
helper --list --format json >$RIG/zones.json
start_helper

# Days of the year, both on which the clocks change, and days far away. From one to the next the clock is set, by hours or decades,
# forward and back, under one controller.
follow() { # TIMEZONE TIMES DATE...
	zone=$1 times=$2 steps=-1
	shift 2
	for date in "$@"; do
		plan "$zone" "$date" >$RIG/plan.csv
		for at in $times; do
			moment "$at"
			set_clock "@$(local_time "$zone")"
			steps=$((steps + 1))
			[ $steps != 0 ] || start_controller SOURCE=solar MAX_SOURCE=200.1W TIMEZONE="$zone"
			wait_for "at $planned_time $zone the limits are those of the plan: $planned" 10 limits_are "$planned"
			case $at in
			12:00) equals "which is the peak" "$planned" "100/100 100/100" ;;
			04:00 | 00:30) equals "which is the floor" "$planned" "10/10 10/10" ;;
			esac
		done
	done
	equals "each of them the running controller changed when the clock was set" $steps "$(times_controller_said 'the clock was set')"
	stop_controller
	equals "P6: the originals are back" "150/180 150/180" "$(limits)"
	forget_logs
}
follow Europe/Berlin "12:00 04:00 08:00 00:30 16:20 19:59" 2026-06-21 2026-01-15
follow Europe/Berlin "12:00 00:30 08:00" 2026-03-29 2026-10-25
follow UTC "08:00 12:00" 2026-06-21 1970-01-01 2099-06-21 1999-12-31

# The clocks change under the controller, in a zone where they do so by day. The time of the world goes on: nothing was set.
daylight_saving=XST-1XDT,M3.5.0/10,M10.5.0/11
change() { # DATE LOCAL_TIME: of the first moment after the change, which is at 09:00 UTC
	TZ=$daylight_saving controller SOURCE=solar MAX_SOURCE=200.1W STABILISATION_TIME=1 -- \
		plan --zones $RIG/zones.json --date "$1" --step 10s --format csv >$RIG/plan.csv
	planned=$(awk -F , -v at="$1T$2" '$1 == at { printf "%.10g/%.10g %.10g/%.10g", $5 / 1e6, $5 / 1e6, $6 / 1e6, $6 / 1e6 }' $RIG/plan.csv)
	set_clock "$1 08:59:55"
	export TZ=$daylight_saving
	start_controller SOURCE=solar MAX_SOURCE=200.1W STABILISATION_TIME=1
	unset TZ
	wait_for "on $1 limits are set" 10 changed
	check "which are not yet those of $2" others "$planned"
	wait_for "when the clocks have changed, the limits are those of the plan for $2: $planned" 20 limits_are "$planned"
	equals "though nobody set the clock" 0 "$(times_controller_said 'the clock was set')"
	stop_controller
	forget_logs
}
changed() { ! limits_are "150/180 150/180"; }
others() { ! limits_are "$1"; }
change 2026-03-29 11:00:00+02:00
change 2026-10-25 10:00:00+01:00

equals "and no step of the clock cost a controller control" 0 "$(times_helper_said 'lease expired')"
stop_helper
