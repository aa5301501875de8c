# Two nodes under one PowerBudget of 200 W: each has a package of this machine, a helper and a controller. The coordinators and
# the API server are outside (fleet.py). The sum of the two registers is taken in each write of the driver's, so at every instant.

[ -e /rig/fleet ] || nothing_to_see "this boot has no controller, or the machine outside lacks what coordinators take"

WATCHED=$REGISTERS/most_limit_mw

# In a mount namespace of its own a node has a tree with one package in it, which is the kernel's own.
cat >$RIG/on-node <<'EOS'
#!/bin/sh
zone=$1 tree=$2
shift 2
mount --bind "$zone" "$tree/intel-rapl/$(basename "$zone")" && exec "$@"
EOS
chmod 755 $RIG/on-node

start_node_helper() { # NODE
	local tree=$RIG/node-$1/powercap
	UNDER="unshare -m $RIG/on-node $(zone "package-$1") $tree" exec_helper --socket "$RIG/node-$1/socket" --state-dir "$RIG/node-$1/state" --powercap-root "$tree" --on-lease-expiry fallback \
		>>"$RIG/node-$1-helper.log" 2>&1 &
	eval "helper_$1=\$!"
}
start_node_controller() { # NODE
	env RAPLHELPER_SOCKET="$RIG/node-$1/socket" SOURCE=granted GRANT_URL="$(cat /rig/fleet/urls)" GRANT_CA_FILE=/rig/fleet/ca.crt \
		GRANT_TOKEN_FILE=/rig/fleet/token-$1 NODE_NAME="node-$1" KUBERNETES=off SAMPLE_INTERVAL=1s METRICS_ADDRESS=off CONTROL_SOCKET=off \
		su -m -s /bin/sh controller -c "exec powercap-controller run" >>"$RIG/node-$1-controller.log" 2>&1 &
	eval "controller_$1=\$!"
}
kill_of() { # helper|controller NODE
	eval "kill -KILL \$$1_$2"
}

sum_w() { # of the limits in force
	local first second
	read -r first <$REGISTERS/package-0/limit
	read -r second <$REGISTERS/package-1/limit
	echo $((((first & 0x7fff) + (second & 0x7fff)) / 8))
}
limit_w() { echo $((($(raw "$1" limit) & 0x7fff) / 8)); }
within() { [ "$(sum_w)" -le 200 ]; }
has_more_than() { [ "$(limit_w "$1")" -gt "$2" ]; }
at_minimum() { [ "$(limit_w 0)" -le 41 ] && [ "$(limit_w 1)" -le 41 ]; }
demand() { poke 0 demand_mw "$1"; poke 1 demand_mw "$2"; }
host() { echo "rig-host $*"; } # has it done outside
kept() { # SENTENCE: what the registers added up to since the last time
	local most
	read -r most <$WATCHED
	check "P17: $1: never more than 200 W in force ($most mW)" [ "$most" -le 200000 ]
	[ "$most" -gt 0 ] || report "not ok" "P17: $1: limits were written"
	echo 0 >$WATCHED
}

# --- the two nodes -------------------------------------------------------------------------------------------------------------

load demand_mw=140000,20000
[ -e /sys/module/e1000 ] || insmod /lib/modules/e1000.ko || die "the network's driver loads"
connect() { ip link set eth0 up && ip addr replace 10.0.2.15/24 dev eth0; }
connect
for node in 0 1; do
	zone=$(zone package-$node)
	mkdir -p "$RIG/node-$node/powercap/intel-rapl/$(basename "$zone")" "$RIG/node-$node/state"
	start_node_helper $node
	start_node_controller $node
done
wait_for "P17: nodes that begin at 300 W come within the budget" 60 within
echo 0 >$WATCHED
wait_for "power goes to the node that wants it" 60 has_more_than 0 120
demand 20000 140000
wait_for "and moves with the work" 60 has_more_than 1 120
kept "work moved"

# --- who governs dies ----------------------------------------------------------------------------------------------------------------

host kill-leader
demand 140000 20000
wait_for "another coordinator goes on" 90 has_more_than 0 120
kept "the coordinator was killed"

start_again() { # helper|controller NODE
	kill_of "$1" "$2"
	case $1 in
	helper) start_node_helper "$2" ;;
	controller) start_node_controller "$2" ;;
	esac
}
start_again controller 0
demand 20000 140000
wait_for "P17: a controller is killed while its node gives power away" 60 has_more_than 1 120
start_again helper 1
demand 140000 20000
wait_for "P17: a helper is" 60 has_more_than 0 120
start_again helper 0
start_again controller 0
start_again controller 1
demand 20000 140000
wait_for "P17: one helper and both controllers are" 60 has_more_than 1 120
demand 140000 20000
kept "helpers and controllers were killed"

# --- nobody hears anybody -------------------------------------------------------------------------------------------------------------

ip link set eth0 down
wait_for "P18: nodes that are cut off go to their minimums by themselves" 60 at_minimum
connect
wait_for "and come back" 90 has_more_than 0 120
kept "the network was away"

host api stop
wait_for "P18: without an API server, so without a coordinator, all go to their minimums" 90 at_minimum
host api listen
wait_for "and come back" 90 has_more_than 0 120
kept "the API server was away"
