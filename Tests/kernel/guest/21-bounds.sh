# P3: between which limits a package may be set, on nodes where firmware or another tool has left something unusual.

once() { # EXPECTED SENTENCE VARIABLE=VALUE...: expected as `limits` prints it
	local expected=$1 sentence=$2
	shift 2
	set_once "$@" || note "run --once: exit status $?"
	equals "$sentence" "$expected" "$(limits)"
}
restored() { # SENTENCE
	stop_helper
	equals "$1" "0 $original" "$exit_status $(registers)"
}

load
poke 0 limit 0x004785a0001581e0      # another tool left package 0 at 60 W
original=$(registers)
start_helper
once "150/150 150/150" "P3: a node left capped recovers up to max_power_uw" MAX_SOURCE=300W
restored "P6: and what comes back is what was found"
start_helper --ceiling original
once "60/60 150/150" "P3: with --ceiling original it does not, and the other gets the rest" MAX_SOURCE=300W
once "60/60 100/100" "P3: nor with less" MAX_SOURCE=160W
restored "P6: the originals are back"

start_helper --min-power 40W
once "40/40 40/40" "P3: the helper's --min-power is a floor under the controller's" MAX_SOURCE=20W
restored "P6: the originals are back"

# What is wrong is refused before anything is written, with exit status 2.
start_helper
poke 0 writes 0
for wrong in RAPL_MIN_POWER=151W MAX_SOURCE=200Q SOURCE=lunar TIMEZONE=Europe/Atlantis STABILISATION_TIME=0 PMAX_FUNC=median; do
	set_once MAX_SOURCE=200W "$wrong"
	equals "P11: $wrong is refused" "2 0" "$? $(raw 0 writes)"
	has "P11: by name and value" "${wrong%=*}=\"${wrong#*=}\"" "$(controller_log | tail -n 1)"
done
restored "P11: and nothing was written"

load max_power_zero=1
poke 0 limit 0x004785a0001581e0
original=$(registers)
start_helper
once "60/60 150/150" "P3: without max_power_uw the original is the ceiling" MAX_SOURCE=300W
once "30/30 75/75" "and the packages' shares go by it" MAX_SOURCE=105W
restored "P6: the originals are back"

load
poke 0 limit 0x0000000000000000      # firmware that sets no limit, and enables none
poke 1 limit 0x00478960001582bc      # 87.5 W and 300 W
original=$(registers)
start_helper
start_controller MAX_SOURCE=200W
wait_for "P3: a package without any limit can be given one" 20 limits_are "100/100 100/100"
disabled() { controller_said 'zone disabled.* device=package-0'; }
wait_for "and that nothing enforces it is reported" 20 disabled
stop_controller
restored "P6: the originals are back: none, and 87.5 W"
