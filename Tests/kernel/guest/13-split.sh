# P8: one budget for two packages. P3: floors and ceilings. Steps of 125 mW. What becomes of short_term.

load
start_helper

# --- one decision after the other ------------------------------------------------------------------------------------------

once() { # EXPECTED SENTENCE VARIABLE=VALUE...: expected as `limits` prints it
	local expected=$1 sentence=$2
	shift 2
	set_once "$@" || note "run --once: exit status $?"
	equals "$sentence" "$expected" "$(limits)"
}

once "100/180 100/180" "SHORT_TERM=untouched leaves short_term alone" MAX_SOURCE=200W SHORT_TERM=untouched
once "100/120 100/120" "SHORT_TERM=scaled keeps its distance: 180 for 150 becomes 120 for 100" MAX_SOURCE=200W SHORT_TERM=scaled
once "80/80 80/80" "SHORT_TERM=equal, the default, sets it to the same" MAX_SOURCE=160W
once "50.125/50.125 50.125/50.125" "P8: 100.333 W are twice 50.125 W: rounding is down" MAX_SOURCE=100.333W
once "100.25/100.25 100.25/100.25" "PMAX_FUNC=max gives each package 100.333 W" MAX_SOURCE=100.333W PMAX_FUNC=max
once "10/10 10/10" "P3: 15 W are less than the floors, which win" MAX_SOURCE=15W
has "and that is reported" "the floors take more than the source gives" "$(controller_log)"
once "20/20 20/20" "P3: RAPL_MIN_POWER raises the floor" MAX_SOURCE=25W RAPL_MIN_POWER=20W
once "37.5/37.5 37.5/37.5" "RAPL_LIMIT=25 is a floor of a quarter of twice 150 W" MAX_SOURCE=20W RAPL_LIMIT=25
once "150/150 150/150" "P3: 1 kW is more than the ceilings" MAX_SOURCE=1kW
once "150/180 150/180" "and SHORT_TERM=scaled then ends where it began" MAX_SOURCE=1kW SHORT_TERM=scaled
stop_helper
equals "P6: the originals are back" "0 150/180 150/180" "$exit_status $(limits)"

poke 1 info 0x00000c8000f00258      # maxima of 75 W and 400 W: a smaller package
start_helper
once "80/80 40/40" "a package of half the power gets half the share" MAX_SOURCE=120W
once "20/20 10/10" "a package at its floor leaves the other the rest" MAX_SOURCE=30W
once "12/12 10/10" "also where that is less than its share" MAX_SOURCE=22W
once "150/150 130/130" "a package at its ceiling leaves the other the rest" MAX_SOURCE=280W
stop_helper
equals "P6: the originals are back" "0 150/180 150/180" "$exit_status $(limits)"

# --- on the way from one budget to the next ----------------------------------------------------------------------------------

# Watches the registers, much faster than they change: for each second of the wall's clock the largest sum that was seen.
watch_sums() { # FILE
	local first second sum=0 largest=0 last=0
	while [ -e "$1.run" ]; do
		read -r first <$REGISTERS/package-0/limit
		read -r second <$REGISTERS/package-1/limit
		sum=$(((first & 0x7fff) + (second & 0x7fff)))
		if [ "$EPOCHSECONDS" != $last ]; then
			[ $last = 0 ] || echo "$last $((largest * 125000))"
			largest=0
			last=$EPOCHSECONDS
		fi
		[ $sum -le $largest ] || largest=$sum
	done >"$1"
}

# A source that rises so steeply that it is another every second: 1 MW * sin(..)^100 passes 150 W at 09:54 and 250 W at 09:57.
# Rising, it never gives less than it gave at the last decision, whenever that was.
above_source() { # how many of the sums that were seen are above the source at the end of their second
	controller SOURCE=solar MAX_SOURCE=1000kW ALPHA=100 TIMEZONE=UTC -- plan --zones $RIG/zones.json --date 2026-06-21 --step 1s --format csv |
		awk -F '[, ]' 'FNR == NR { if (FNR > 1) source[FNR - 2] = $2; next }
			{ n++; if (!($2 <= source[$1 % 86400 + 1])) above++ }
			END { print above + 0, "of", n }' - $RIG/sums
}

load
helper --list --format json >$RIG/zones.json
start_helper
set_clock "2026-06-21 09:54:30"
start_controller SOURCE=solar MAX_SOURCE=1000kW ALPHA=100 TIMEZONE=UTC STABILISATION_TIME=1
limits_are_ours() { ! limits_are "150/180 150/180"; }
wait_for "the first decision is in force" 20 limits_are_ours
: >$RIG/sums.run
watch_sums $RIG/sums &
watcher=$!
ten_seconds_seen() { [ "$(wc -l <$RIG/sums)" -ge 10 ]; }
wait_for "ten seconds of rising limits are watched" 60 ten_seconds_seen
rm $RIG/sums.run
wait $watcher
check "in them the limits changed at least five times" [ "$(cut -d ' ' -f 2 $RIG/sums | sort -u | wc -l)" -gt 5 ]
equals "P8: in none of those seconds were they above the budget together" "0 of $(wc -l <$RIG/sums)" "$(above_source)"
stop_controller
stop_helper
equals "P6: the originals are back" "0 150/180 150/180" "$exit_status $(limits)"
