# BUDGET_OF=server: the node's limit is the whole machine's, which ACPI's meter measures under its genuine driver. The packages get
# what the rest leaves: less at once, more slowly.

powercap-controller help | grep -q BUDGET_OF || nothing_to_see "this controller has no BUDGET_OF"
load demand_mw=150000,150000
load_meters
plug machine_sim
drawn_w() { echo $(($(meter 0 demand) / 1000)); }
draws_between() { [ "$(drawn_w)" -ge "$1" ] && [ "$(drawn_w)" -le "$2" ]; } # WATTS WATTS
draws_at_most() { [ "$(drawn_w)" -le "$1" ]; }
most_w() { echo $(($(sim machine_sim most_mw) / 1000)); }
rest() { sim machine_sim rest_mw "$1"; sim machine_sim most_mw 0; } # MILLIWATTS
original=$(registers)

equals "uncapped the machine draws 380 W: two packages, their dram and the rest" 380 "$(usleep 100000; drawn_w)"
start_helper --sysfs /sys
start_controller MAX_SOURCE=340W GOVERN=intel-rapl BUDGET_OF=server
wait_for "the whole machine comes to its limit, and stays below it" 60 draws_between 325 340
equals "P6: the meter's own limit isn't touched" "0 400000" "$(meter 0 sets) $(meter 0 limit)"

# A reading is of a while ago, so a change is followed by none until it can be seen: the next begins from rest.
steady() { # nothing has changed for so long that whatever is too much is taken off at once
	local before=$(limits) until=$(($(centiseconds) + 1200))
	while [ "$(centiseconds)" -lt $until ]; do
		usleep 200000
		limits_are "$before" || return 1
	done
}

# The rest takes 60 W more: that is seen in the next samples, and comes off the packages.
wait_for "limits come to rest" 120 steady
rest 120000
# The machine takes it a moment later, and is above the limit then.
came_down() { [ "$(most_w)" -gt 340 ] && draws_at_most 340; }
wait_for "more for the rest is less for the packages" 10 came_down
sim machine_sim most_mw 0
settled() { draws_between 325 340; }
wait_for "and all of the limit is used again" 60 settled
check "without ever being above it again ($(most_w) W at most)" [ "$(most_w)" -le 340 ]

# The rest takes less: what is free is given to the packages slowly, and never too much of it.
rest 60000
wait_for "less for the rest is more for the packages" 120 settled
check "and nothing overshoots ($(most_w) W at most)" [ "$(most_w)" -le 340 ]

# No reading is no zero: nothing rises.
meter 0 mode 4
limits_before=$(limits)
rest 0

usleep 15000000   # longer than after any change: there is no event for what must not happen
equals "while the meter says nothing, nothing rises" "$limits_before" "$(limits)"
meter 0 mode 0

stop_controller
equals "P6: the originals are back" "0 $original" "$exit_status $(registers)"
stop_helper
