# The solar curve on the wall's clock: the registers hold what `plan` says for the time, and follow when the clock is set.

plan() { # TIMEZONE DATE: what is to come, in lines of `time,source_uw,node_limit_uw,package-0_uw,package-1_uw`
	controller SOURCE=solar MAX_SOURCE=200.1W TIMEZONE="$1" -- \
		plan --zones $RIG/zones.json --date "$2" --step 10s --format csv
}

# The curve moves on while a check is made. So it is made at the first of three lines that say the same: 20 s of room.
moment() { # HH:MM: sets planned_time (local, with its offset) and planned (limits as `limits` prints them)
	local line
	line=$(awk -F , -v from="T$1:00" '
		substr($1, 11) >= from { if ($4 "," $5 == last) n++; else { n = 1; first = $1 } last = $4 "," $5 }
		n == 3 { printf "%s %.10g/%.10g %.10g/%.10g", first, $4 / 1e6, $4 / 1e6, $5 / 1e6, $5 / 1e6; exit }' $RIG/plan.csv)
	planned_time=${line%% *} planned=${line#* }
}

local_time() { # TIMEZONE: planned_time as seconds since 1970
	local time=${planned_time%[+-]??:??}
	TZ=$1 date -d "${time%T*} ${time#*T}" +%s
}

load
helper --list --format json >$RIG/zones.json
start_helper
for day in "Europe/Berlin 2026-06-21" "Europe/Berlin 2026-01-15" "UTC 2026-06-21"; do
	zone=${day% *} date=${day#* }
	plan "$zone" "$date" >$RIG/plan.csv
	at=12:00
	moment $at
	set_clock "@$(local_time "$zone")"
	start_controller SOURCE=solar MAX_SOURCE=200.1W TIMEZONE="$zone"
	while :; do
		wait_for "at $planned_time $zone the limits are those of the plan: $planned" 10 limits_are "$planned"
		case $at in
		12:00) equals "which is the peak" "$planned" "100/100 100/100"; at=04:00 ;;
		04:00) equals "which is the floor" "$planned" "10/10 10/10"; at=08:00 ;;
		08:00) at=00:30 ;;
		00:30) equals "which is the floor" "$planned" "10/10 10/10"; at=16:20 ;;
		16:20) at=19:59 ;;
		*) break ;;
		esac
		moment $at
		set_clock "@$(local_time "$zone")"
	done
	equals "each of them the running controller changed when the clock was set" 5 "$(times_controller_said 'the clock was set')"
	stop_controller
	equals "P6: the originals are back" "150/180 150/180" "$(limits)"
	forget_logs
done
equals "and no step of the clock cost it control" 0 "$(times_helper_said 'lease expired')"
stop_helper
