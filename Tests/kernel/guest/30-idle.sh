# A node without work has its floor, until the first sign of it. What counts is what the guest's own two processors do.

# As wait_for, but so seldom that waiting is no work.
wait_quietly() { # WHAT SECONDS COMMAND...
	local what=$1 deadline=$(($(centiseconds) + $2 * 100))
	shift 2
	until "$@"; do
		[ "$(centiseconds)" -lt $deadline ] || die "$what"
		sleep 2
	done
	report ok "$what"
}
work() { while :; do :; done; }
best_effort=/sys/fs/cgroup/kubepods.slice/kubepods-besteffort.slice

load demand_mw=45000,45000
start_helper
start_controller STRATEGY=idle-down IDLE_AFTER=4s MAX_SOURCE=200W RAPL_MIN_POWER=50W STABILISATION_TIME=1h SAMPLE_INTERVAL=1h
wait_for "at first the limit follows the source" 20 limits_are "100/100 100/100"
wait_quietly "without work the packages have their floors" 60 limits_are "50/50 50/50"
check "that is told" controller_said "the node has no work: its floor holds"
work &
worker=$!
wait_for "at the first sign of work the limit follows the source again" 10 limits_are "100/100 100/100"
kill $worker
wait_quietly "and when it has ended, the packages have their floors again" 60 limits_are "50/50 50/50"
stop_controller

mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p $best_effort
start_controller STRATEGY=idle-down QOS=on IDLE_AFTER=4s MAX_SOURCE=200W RAPL_MIN_POWER=50W STABILISATION_TIME=1h SAMPLE_INTERVAL=1h
work &
worker=$!
echo $worker >$best_effort/cgroup.procs
wait_quietly "QOS=on: pods of best effort alone don't lift the limit" 60 limits_are "50/50 50/50"
echo $worker >/sys/fs/cgroup/cgroup.procs
wait_for "the same work of others does" 10 limits_are "100/100 100/100"
kill $worker
stop_controller
sleep 1
rmdir $best_effort ${best_effort%/*}
umount /sys/fs/cgroup
stop_helper
equals "P6: the originals are back" "0 150/180 150/180" "$exit_status $(limits)"
