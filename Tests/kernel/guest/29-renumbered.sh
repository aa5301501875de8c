# A package that has another number when the helper is back: originals belong to names (decision 14).
load
original=$(registers)
before=$(basename "$(zone package-1)")
start_helper
start_controller MAX_SOURCE=120W
wait_for "two packages share 120 W" 20 limits_are "60/60 60/60"
kill -KILL $helper_pid
wait_for "the helper is killed" 20 finished $helper_pid
kill -KILL $controller_pid
wait_for "and so is the controller" 20 finished $controller_pid
capped=$(raw 0 limit)\ $(raw 1 limit)

# The driver is loaded again, with psys before package 1, over registers that kept what was in them.
unload
load psys=1
set -- $capped
poke 0 limit "$1"
poke 1 limit "$2"
equals "the limits are still ours" "60/60 60/60" "$(limits)"
check "package 1 has another number than $before" [ "$before" != "$(basename "$(zone package-1)")" ]
start_helper
equals "P6: both packages have their originals" "150/180 150/180" "$(limits)"
check "and the helper says so" helper_said 'an earlier helper died with limits in force" restored=4 foreign=0 failed=0 unclaimed=0'
stop_helper
