# P6: a storm of SIGKILL at random moments, of the helper, the controller and both: after each the whole registers come back.

random_state=${RIG_SEED:-1}
random() { # LIMIT: sets random_number, 0 to below LIMIT; sh has no generator that can be seeded
	random_state=$(((random_state * 1103515245 + 12345) & 0x7fffffff))
	random_number=$((random_state / 65536 * $1 / 32768))
}
pause() { # MILLISECONDS at most: sets paused
	random "$1"
	paused=$random_number
	usleep $((paused * 1000))
}

kills=0 capped=0
# Without a word, which start_helper and stop_helper have for each of them.
serve() {
	: >$RIG/helper.log
	exec_helper --lease-time 2 >>$RIG/helper.log 2>&1 &
	helper_pid=$!
	until helper_said 'msg="serving"'; do running $helper_pid || die "raplhelper serves"; usleep 5000; done
}
slay() { # PID...
	kill -KILL "$@"
	{ wait "$@"; } 2>/dev/null # it would say Killed for each
	kills=$((kills + $#))
}
changed() { ! registers_are "$original"; }
count_capped() { ! changed || capped=$((capped + 1)); }

load
poke 0 limit 0x0047864000188460
poke 1 limit 0x00458640000e8460
original=$(registers)

note "seed $random_state (run --seed $random_state)"
serve
round=0 failures_before=$(failures)
while [ $round -lt 54 ]; do
	random 240
	start_controller MAX_SOURCE=$((30 + random_number))W
	# From any moment on, and from the first limits on.
	since="the controller's"
	if [ $((round % 2)) = 1 ]; then
		since="the limits'"
		until changed; do running $controller_pid || die "the controller sets limits"; usleep 5000; done
	fi
	pause 500
	after="$paused ms after $since start"
	case $((round % 3)) in
	0)
		victim="the helper"
		slay $helper_pid
		# Stopped, so that it can't set anything again before we have looked.
		kill -STOP $controller_pid
		;;
	1)
		victim="the controller"
		slay $controller_pid
		;;
	2)
		victim=both
		slay $controller_pid $helper_pid
		;;
	esac
	count_capped
	if [ $((round % 27)) = 1 ]; then
		wait_for "P6: round $round, SIGKILL of $victim, $after: the originals are back when its lease has ended" 20 \
			registers_are "$original"
	elif [ "$victim" = "the controller" ]; then
		kill -TERM $helper_pid
		wait $helper_pid
		equals "P6: round $round, SIGKILL of $victim, $after: the helper's end brings the originals back" "0 $original" \
			"$? $(registers)"
		serve
	else
		# Every other helper dies at its start, too, perhaps while it restores.
		if [ $((round / 2 % 2)) = 0 ]; then
			exec_helper >/dev/null 2>&1 &
			pause 60
			slay $!
			victim="$victim, and of the next helper"
		fi
		serve
		equals "P6: round $round, SIGKILL of $victim, $after: a restart brings the originals back" "$original" "$(registers)"
		if [ $((round % 18)) = 0 ]; then
			kill -CONT $controller_pid
			wait_for "P6: and the same controller governs again" 20 changed
		fi
		[ "$victim" != "${victim#both}" ] || slay $controller_pid
	fi
	round=$((round + 1))
done
stop_helper
equals "P6: after the last release every register is its original" "0 $original" "$exit_status $(registers)"
note "$round rounds, $kills times SIGKILL, $capped rounds with limits in force at that moment, $(($(failures) - failures_before)) limits lost"
check "limits were in force at many of these moments" [ $capped -gt $((round / 4)) ]
