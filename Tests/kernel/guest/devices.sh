# Other hardware than RAPL, for the scenarios that want it. Sourced by lib.sh, which says how a scenario reads.

HWMON=/sys/class/hwmon
METERS=0xff000000   # where meters.asl keeps what firmware would, 0x20 bytes for each meter
DEVICE_MODULES="machine_sim acpi_power_meter amdgpu_like xe_like hsmp_like scmi_like tpmi_sim"
GPU_0=0000:00:04.0 GPU_1=0000:00:05.0 INTEL_GPU=0000:00:06.0   # where `run` puts them

plug() { # MODULE [PARAMETER=VALUE...]: (re)load a driver
	local module=$1
	shift
	[ ! -e "/sys/module/$module" ] || rmmod "$module"
	insmod "/lib/modules/$module.ko" "$@" || die "$module loads with '$*'"
}

unplug() { # [MODULE...]; default all
	local module
	meter 0 mute 0   # or its driver would wait for who reads it
	for module in ${*:-$DEVICE_MODULES}; do
		[ ! -e "/sys/module/$module" ] || rmmod "$module"
	done
}

# --- ACPI's power meters, 0 and 1 -----------------------------------------------------------------------------------------

meter() { # METER demand|limit|mode|slow|sets|fixed|mute [VALUE]: reads or changes it behind the driver's back; mW, s
	local field
	case $2 in demand) field=0 ;; limit) field=4 ;; mode) field=8 ;; slow) field=12 ;; sets) field=16 ;; fixed) field=20 ;; mute) field=24 ;; esac
	field=$((METERS + $1 * 32 + field))
	if [ $# = 3 ]; then devmem "$field" 32 "$3"; else echo $(($(devmem "$field" 32))); fi
}

load_meters() { # [PARAMETER=VALUE...]: power the meters on and load their driver; default force_cap_on=1
	local field
	unplug acpi_power_meter
	for field in mode slow sets fixed mute; do meter 0 $field 0; done
	meter 0 demand 200000
	meter 0 limit 400000
	meter 1 demand 40000
	meter 1 limit 300000
	# The driver of 6.12 takes a symbol from the second of these.
	for field in ipmi_msghandler acpi_ipmi; do [ -e /sys/module/$field ] || insmod /lib/modules/$field.ko; done
	plug acpi_power_meter "${@:-force_cap_on=1}"
}

meter_dir() { # METER: where its files are, found by the ACPI path
	local path
	for path in "$HWMON"/hwmon*/device/path; do
		[ "$(cat "$path" 2>/dev/null)" != "\\_SB_.PMT$1" ] || { readlink -f "${path%/path}"; return; }
	done
	return 1
}

# --- RAPL through TPMI, from Linux 6.12 on -----------------------------------------------------------------------------------

load_tpmi() {
	local module
	for module in intel_vsec intel_vsec_tpmi intel_rapl_tpmi; do
		[ -e "/sys/module/$module" ] || insmod "/lib/modules/$module.ko"
	done
	plug tpmi_sim
}

# --- hwmon in general ------------------------------------------------------------------------------------------------------

hwmon() { # DRIVER DEVICE: the directory of a hwmon device, whose number says nothing
	local dir
	for dir in "$HWMON"/hwmon*; do
		[ "$(cat "$dir/name" 2>/dev/null)" = "$1" ] || continue
		[ "$(basename "$(readlink -f "$dir/device")")" != "$2" ] || { echo "$dir"; return; }
	done
	return 1
}

sim() { # MODULE/PLACE FIELD [VALUE]: reads or changes what a module keeps in debugfs
	if [ $# = 3 ]; then echo "$3" >"/sys/kernel/debug/$1/$2"; else cat "/sys/kernel/debug/$1/$2"; fi
}

gpu_sleeps() { # DEVICE: let an idle GPU be suspended, and wait until it is
	echo 0 >"/sys/bus/pci/devices/$1/power/autosuspend_delay_ms"
	echo auto >"/sys/bus/pci/devices/$1/power/control"
	wait_for "$1 is suspended" 10 gpu_is "$1" suspended
}

gpu_is() { [ "$(cat "/sys/bus/pci/devices/$1/power/runtime_status")" = "$2" ]; } # DEVICE STATUS

# --- the independent client ------------------------------------------------------------------------------------------------

# Sets limits of whatever zone, where the controller has rules of its own for them. As the controller's user.
exec_client() { exec su -m -s /bin/sh controller -c "exec powercap-client --socket $RAPLHELPER_SOCKET $*"; } # ARGS...
client() { (exec_client "$@") 2>&1; }                                                                        # ARGS...
start_client() { # ZONE/CONSTRAINT=WATTS...: sets limits, and keeps them until it is stopped; sets client_pid; LEASE=SECONDS
	: >$RIG/client.log
	exec_client --lease-seconds "${LEASE:-30}" apply "$@" >>$RIG/client.log 2>&1 &
	client_pid=$!
	wait_for "the client's limits are taken or refused" 30 client_answered
}
# A slow zone says what it last read, and reads again because it was asked: the condition for wait_for.
sample_says() { case $(client sample) in *"$1"*) ;; *) return 1 ;; esac; } # TEXT
# Fast zones say so in the answer, slow ones later, in their samples.
failure_is_told() { # DEVICE WORDS-OF-THE-ANSWER
	grep -q "$2" $RIG/client.log || client sample | grep -q "$1 .*last write: error"
}
client_answered() { finished "$client_pid" || [ -s $RIG/client.log ]; }
stop_client() { finished "$client_pid" || stop "$client_pid" "the client" "${1:-INT}"; } # [SIGNAL]; one that was refused has ended

# For a scenario that can't be without something: that is said, and the scenario ends.
nothing_to_see() { # WHY
	report ok "nothing to see here: $1"
	exit 0
}
# The client is absent where the machine outside has no Debian python3; a helper of before 0.2.0 governs RAPL alone.
needs_client() {
	[ -e /bin/powercap-client ] || nothing_to_see "there is no independent client"
	raplhelper --help | grep -q -e --govern || nothing_to_see "this helper has no --govern"
}
