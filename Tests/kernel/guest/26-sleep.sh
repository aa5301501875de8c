# P7: a node that sleeps. The kernel suspends in earnest (processes frozen, timekeeping suspended) and wakes by itself where it
# would call the firmware (pm_test, Documentation/power/basic-pm-debugging.rst): CLOCK_MONOTONIC stands still, the others go on.

ASLEEP=6
monotonic() { awk '/^now at/ { print int($3 / 1e9); exit }' /proc/timer_list; } # seconds

load
# Suspending takes all CPUs but the first away, and a package's zone with its last one: 19-hotplug is about that.
package_1 offline
fall_asleep() { # SECONDS
	echo core >/sys/power/pm_test
	echo "$1" >/sys/module/suspend/parameters/pm_test_delay
	echo mem >/sys/power/state
}
original=$(raw 0 limit)
before=$(raw 0 writes)
fall_asleep 1
check "the driver itself writes the limits of before the sleep back" [ "$(raw 0 writes)" -gt "$before" ]
equals "as they were" "$original" "$(raw 0 limit)"

now() { raw 0 limit; }
start_helper --lease-time 3
# A limit that would change every few seconds, if STABILISATION_TIME let it: 300 kW * sin(..)^100 in the morning.
set_clock "2026-06-21 09:54:30"
start_controller SOURCE=solar MAX_SOURCE=300kW ALPHA=100 TIMEZONE=UTC STABILISATION_TIME=1h
limited() { [ "$(now)" != "$original" ]; }
wait_for "a limit is set" 20 limited
capped=$(now)

awake=$(monotonic) since_boot=$(centiseconds)
fall_asleep $ASLEEP
check "the node sleeps" [ $(($(centiseconds) - since_boot)) -ge ${ASLEEP}00 ]
check "CLOCK_MONOTONIC stands still meanwhile" [ $(($(monotonic) - awake)) -lt $ASLEEP ]
anew() { controller_said 'the clock was set, or the node was asleep: deciding anew'; }
wait_for "awake again, the controller decides anew" 20 anew
decided() { limited && [ "$(now)" != "$capped" ]; }
wait_for "the limit is that of the new time, though STABILISATION_TIME isn't over" 20 decided
equals "P7: sleep longer than the lease cost nobody control" 0 "$(times_helper_said 'lease expired')"
equals "which the controller didn't have to take again" 1 "$(times_controller_said 'msg="in control"')"
stop_controller
equals "P6: the original is back" "0 $original" "$exit_status $(now)"
stop_helper
