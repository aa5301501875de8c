# What a guest scenario has at hand. Sourced by /init in front of every scenario, which is plain busybox sh under `set -u`.
# A scenario reads as a list of sentences; each check prints `ok N - sentence` or `not ok N - sentence` and goes on.

RIG=/run/rig                # a scenario's own files; emptied before each
RESULTS=/run/results        # one line per check, for the numbers
POWERCAP=/sys/devices/virtual/powercap
REGISTERS=/sys/kernel/debug/rapl_sim
HELPER_UID=990 CONTROLLER_UID=991   # as in /etc/passwd
RAPLHELPER_SOCKET=$RIG/raplhelper.sock
STATE_DIR=$RIG/state

. /rig/devices.sh

# --- results -----------------------------------------------------------------------------------------------------------

report() { # ok|"not ok" SENTENCE
	echo "$1" >>$RESULTS
	echo "$1 $(wc -l <$RESULTS) - $2"
}

failures() { grep -c '^not' $RESULTS; }

note() { echo "$*" | sed 's/^/# /'; }

# For what makes the rest of a scenario pointless. Its exit status tells /init that the reason is reported.
die() {
	report "not ok" "$1"
	exit 3
}

check() { # SENTENCE COMMAND...: the command succeeds
	local sentence=$1 output status
	shift
	if output=$("$@" 2>&1); then
		report ok "$sentence"
	else
		status=$?
		report "not ok" "$sentence"
		note "$* -> exit status $status"
		[ -z "$output" ] || note "$output"
	fi
	return 0
}

equals() { # SENTENCE EXPECTED ACTUAL
	if [ "$2" = "$3" ]; then
		report ok "$1"
	else
		report "not ok" "$1"
		note "expected: $2"
		note "actual:   $3"
	fi
}

has() { # SENTENCE PART TEXT: the text contains the part; shown is its end
	case $3 in *"$2"*) report ok "$1" ;; *) equals "$1" "... $2 ..." "$(echo "$3" | tail -n 5)" ;; esac
}

near() { # SENTENCE EXPECTED ACTUAL [PERCENT]: numbers no more than 1 % apart, or PERCENT
	case $3 in '' | *[!0-9]*) equals "$1" "about $2" "$3"; return ;; esac
	if [ $((($3 - $2) * 100)) -le $(($2 * ${4:-1})) ] && [ $((($2 - $3) * 100)) -le $(($2 * ${4:-1})) ]; then
		report ok "$1"
	else
		equals "$1" "about $2" "$3"
	fi
}

# What the programs measure: between their clock and the counter lies the emulator, on a machine that has other things to do.
measures() { # SENTENCE WATTS MICROWATTS
	near "$1" "${2}000000" "$3" 5
}

centiseconds() { # since boot; not fooled by set_clock
	local up rest
	read -r up rest </proc/uptime
	echo "${up%.*}${up#*.}"
}

# A scenario waits for a condition, never for a time: under emulation on a busy machine no time is long enough.
wait_for() { # WHAT SECONDS COMMAND...
	local what=$1 seconds=$2 deadline=$(($(centiseconds) + $2 * 100))
	shift 2
	until "$@" >/dev/null 2>&1; do
		if [ "$(centiseconds)" -ge $deadline ]; then
			note "gave up after $seconds s: $*"
			die "$what"
		fi
		usleep 20000
	done
	report ok "$what"
}

# --- the hardware ------------------------------------------------------------------------------------------------------

load() { # [PARAMETER=VALUE...]: (re)load the simulator; parameters in rapl_sim.c
	unload
	insmod /lib/modules/rapl_sim.ko "$@" || die "rapl_sim loads with '$*'"
}

unload() { # RAPL; `unplug` is for the rest
	[ ! -e /sys/module/rapl_sim ] || rmmod rapl_sim
}

raw() { # PACKAGE REGISTER: 0 limit; also the counts 0 reads, 0 writes, and 0 demand_mw
	cat "$REGISTERS/package-$1/$2"
}

poke() { # PACKAGE REGISTER VALUE: change the hardware behind everybody's back
	echo "$3" >"$REGISTERS/package-$1/$2"
}

# What these say decides; that the programs say the same is a second question.
registers() { # both packages' limit registers, whole: limits, time windows, enable, clamp and lock bits
	local first second
	read -r first <$REGISTERS/package-0/limit
	read -r second <$REGISTERS/package-1/limit
	echo "$first $second"
}

limits() { # the same in watts, long_term/short_term of package 0 and of package 1: "100/100 62.5/180"
	local value text='' eighths
	for value in $(registers); do
		for eighths in $((value & 0x7fff)) $((value >> 32 & 0x7fff)); do
			text=$text$((eighths / 8))
			case $((eighths % 8)) in
			1) text=$text.125 ;; 2) text=$text.25 ;; 3) text=$text.375 ;; 4) text=$text.5 ;;
			5) text=$text.625 ;; 6) text=$text.75 ;; 7) text=$text.875 ;;
			esac
			text=$text/
		done
		text="${text%/} "
	done
	echo "${text% }"
}

registers_are() { [ "$(registers)" = "$1" ]; }
limits_are() { [ "$(limits)" = "$1" ]; }

writes() { # how often the driver wrote to package 0 and to package 1, to whatever register
	echo "$(raw 0 writes) $(raw 1 writes)"
}

fail_reads() { echo "$1" >/sys/module/rapl_sim/parameters/fail_read; }   # MASK of packages, 0 to mend
fail_writes() { echo "$1" >/sys/module/rapl_sim/parameters/fail_write; } # MASK of packages, 0 to mend
# The process that makes the Nth write to a register from now dies in it, by SIGKILL; 0: nobody does.
kill_at_write() { echo "$1" >/sys/module/rapl_sim/parameters/kill_at_write; } # N

package_1() { # online|offline: its only CPU
	[ "$1" = online ] && set -- 1 || set -- 0
	echo "$1" >/sys/devices/system/cpu/cpu1/online
}

# --- powercap as another program sees it --------------------------------------------------------------------------------

# The directory of a zone, found by name as everybody should: an index says nothing.
zone() { # package-0 | psys | package-1/dram | mmio/package-0
	local names=$1 dir=$POWERCAP/intel-rapl part
	case $names in mmio/*) names=${names#mmio/} dir=$POWERCAP/intel-rapl-mmio ;; esac
	for part in $(echo "$names" | tr / ' '); do
		dir=$(grep -lx "$part" "$dir"/*:*/name 2>/dev/null) || return 1
		dir=${dir%/name}
	done
	echo "$dir"
}

constraint() { # ZONE long_term|short_term|peak_power power_limit_uw|time_window_us|max_power_uw: the file
	local file
	file=$(zone "$1") || return 1
	file=$(grep -lx "$2" "$file"/constraint_*_name) || return 1
	echo "${file%_name}_$3"
}

limit_of() { # ZONE CONSTRAINT: µW
	cat "$(constraint "$1" "$2" power_limit_uw)"
}

# One write(2), and what came of it: `ok`, or the error's text. `echo -n` because busybox's printf hides the error.
try_write() { # FILE VALUE
	local error
	if error=$({ echo -n "$2" >"$1"; } 2>&1); then echo ok; else echo "${error##*: }"; fi
}

try_read() { # FILE: its content or the error's text
	local content
	if content=$(cat "$1" 2>&1); then echo "$content"; else echo "${content##*: }"; fi
}

set_limit() { # ZONE CONSTRAINT MICROWATTS: as another tool would; prints what try_write prints
	try_write "$(constraint "$1" "$2" power_limit_uw)" "$3"
}

# The power a package draws. Each counter is paired with the simulator's own time of reading it: the shell's slowness cancels.
milliwatts() { # PACKAGE
	local file energy time range
	file=$(zone "package-$1")/energy_uj
	read -r range <"${file%energy_uj}max_energy_range_uj"
	read -r energy <"$file"
	time=$(raw "$1" counted_ns)
	usleep 300000
	echo $((($(cat "$file") - energy + range) % range * 1000000 / ($(raw "$1" counted_ns) - time)))
}

# --- the programs under test -------------------------------------------------------------------------------------------

set_clock() { # 'YYYY-MM-DD hh:mm:ss', UTC; the next scenario has the right time again
	date -u -s "$1" >/dev/null
}

running() { grep -q '^State:[^Z]*$' "/proc/$1/status" 2>/dev/null; }   # a zombie is not
finished() { ! running "$1"; }
times_helper_said() { helper_log | grep -c -e "$1"; }         # PATTERN
times_controller_said() { controller_log | grep -c -e "$1"; } # PATTERN
helper_serves() { finished "$helper_pid" || [ "$(times_helper_said 'msg="serving"')" != "$served" ]; }

with_defaults() { # ARGS...: the flags a scenario nearly always wants, for those it does not give itself
	local flag value
	while read -r flag value; do
		case " $* " in
		*" $flag "*) ;;
		*" --sysfs "*) [ "$flag" = --powercap-root ] || set -- "$flag" "$value" "$@" ;;
		*) set -- "$flag" "$value" "$@" ;;
		esac
	done <<-END
		--socket $RAPLHELPER_SOCKET
		--socket-group $CONTROLLER_UID
		--powercap-root $POWERCAP
		--state-dir $STATE_DIR
		--user $HELPER_UID
		--allow-uid $CONTROLLER_UID
		--min-power 10W
	END
	echo "$@"
}

# These two replace the shell that calls them: after `&` its pid is the program's.
exec_helper() { # ARGS...; UNDER="COMMAND ARGS" starts it through that
	mkdir -p $STATE_DIR
	# shellcheck disable=SC2046,SC2086 # no value has a space
	exec ${UNDER:-} raplhelper $(with_defaults "$@")
}
exec_controller() { # VARIABLE=VALUE... [-- ARGS...]; AS=USER is another user than `controller`
	local variables="RAPLHELPER_SOCKET=$RAPLHELPER_SOCKET SOURCE=static SAMPLE_INTERVAL=1"
	while [ $# -gt 0 ] && [ "$1" != -- ]; do variables="$variables $1"; shift; done
	[ $# = 0 ] || shift
	# shellcheck disable=SC2086 # no value has a space
	exec env $variables su -m -s /bin/sh "${AS:-controller}" -c "exec powercap-controller ${*:-run}"
}

# In the foreground, for what ends by itself: `run --once`, `status`, a start that fails.
helper() { (exec_helper "$@"); }
controller() { (exec_controller "$@"); }

# In the background, as in production: the helper as root, the controller as an ordinary user.
start_helper() { # ARGS...; sets helper_pid
	[ -e /bin/raplhelper ] || die "this boot has a raplhelper (run --helper PATH)"
	served=$(times_helper_said 'msg="serving"')
	exec_helper "$@" >>$RIG/helper.log 2>&1 &
	helper_pid=$!
	wait_for "raplhelper serves" 20 helper_serves   # it listens earlier, while it is still root
	running "$helper_pid" || die "raplhelper stays"
}
# As systemd's Restart=on-failure does it: until the helper ends with 0.
supervise() { # ARGS...
	while :; do
		exec_helper "$@" >>$RIG/helper.log 2>&1 &
		echo $! >$RIG/helper.pid
		wait $!
		status=$?
		echo $status >>$RIG/statuses
		[ $status = 0 ] && break
		usleep 200000
	done
}
start_supervised() { # ARGS...; sets supervisor, whose end is the helper's with 0
	: >$RIG/statuses
	: >$RIG/helper.log
	supervise "$@" 2>/dev/null &
	supervisor=$!
	wait_for "raplhelper serves" 20 started 1
}
statuses() { xargs <$RIG/statuses; }
started() { [ "$(times_helper_said 'msg="serving"')" -ge "$1" ]; } # TIMES
ended_with_75() { [ "$(grep -c -x 75 $RIG/statuses)" -ge "$1" ]; } # TIMES

start_controller() { # VARIABLE=VALUE... [-- ARGS...]; sets controller_pid
	[ -e /bin/powercap-controller ] || die "this boot has a powercap-controller (run --controller PATH)"
	exec_controller "$@" >>$RIG/controller.log 2>&1 &
	controller_pid=$!
}

stop() { # PID NAME SIGNAL: sets exit_status
	kill "-$3" "$1"
	wait_for "$2 ends on SIG$3" 20 finished "$1"
	wait "$1"
	exit_status=$?
}
stop_helper() { stop "$helper_pid" raplhelper "${1:-TERM}"; }             # [SIGNAL]
stop_controller() { stop "$controller_pid" powercap-controller "${1:-TERM}"; } # [SIGNAL]

# One decision carried out and left in force.
set_once() { # VARIABLE=VALUE...
	controller ON_EXIT=hold "$@" -- run --once >>$RIG/controller.log 2>&1
}

helper_log() { cat $RIG/helper.log 2>/dev/null; }
controller_log() { cat $RIG/controller.log 2>/dev/null; }
helper_said() { [ "$(times_helper_said "$1")" -gt 0 ]; }         # PATTERN
controller_said() { [ "$(times_controller_said "$1")" -gt 0 ]; } # PATTERN
forget_logs() { : >$RIG/helper.log; : >$RIG/controller.log; }

# `status` takes a second to measure; `said` then answers from what it printed, one object of its JSON being one line here.
ask_status() {
	controller -- status --format json >$RIG/status 2>>$RIG/controller.log || return
	tr -d '\n' <$RIG/status | sed 's/{/\n{/g' >$RIG/status.lines
}
said() { # helper|sandbox|ZONE|ZONE/CONSTRAINT FIELD: of intel-rapl
	awk -v what="$1" -v field="$2" '
		/^[{]"id":/ { zone = /"control_type":"intel-rapl",/ ? value("name") : "mmio/" value("name"); here = zone }
		/^[{]"name":/ { here = zone "/" value("name") }
		/^[{]"version":/ { here = "helper" }
		/^[{]"not-dumpable":/ { here = "sandbox" }
		/^[{]"holder":/ { here = "control" }
		here == what && $0 ~ "\"" field "\":" { print value(field); exit }
		function value(name,   rest) {
			rest = $0
			sub(".*\"" name "\":\"?", "", rest)
			sub("\"?[,}].*", "", rest)
			return rest
		}' $RIG/status.lines
}
