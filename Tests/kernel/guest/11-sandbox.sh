# P1: what the kernel says of the helper's privileges, and that it still does its work without them.

of_helper() { # FIELD of /proc/PID/status
	awk -v field="$1:" '$1 == field { $1 = ""; print substr($0, 2) }' "/proc/$helper_pid/status"
}
capabilities() { echo "$(of_helper CapInh) $(of_helper CapPrm) $(of_helper CapEff) $(of_helper CapAmb)"; }
bits() { # the sandbox as `status` shows it: every bit that is missing
	ask_status
	grep '"not-dumpable"' $RIG/status.lines | grep -o '"[a-z-]*":false' | tr -d '"' | sed 's/:false//' | xargs
}
open_for_writing() { # names of the files that the helper has open for writing
	local info
	for info in /proc/"$helper_pid"/fdinfo/*; do
		grep -q '^flags:.*[12]$' "$info" && readlink "/proc/$helper_pid/fd/${info##*/}"
	done | sed '/:\[/d; s/.*\///' | sort -u | xargs
}
none=0000000000000000

load
start_helper --require-sandbox
equals "P1: no capability is left in any set" "$none $none $none $none" "$(capabilities)"
equals "P1: the bounding set is empty" $none "$(of_helper CapBnd)"
equals "P1: it is --user in every uid and gid, and in no other group" \
	"990 990 990 990, 990 990 990 990, " "$(of_helper Uid | xargs), $(of_helper Gid | xargs), $(of_helper Groups | xargs)"
equals "P1: no_new_privs is set and a seccomp filter is in force" "1 2" "$(of_helper NoNewPrivs) $(of_helper Seccomp)"
equals "P1: it is not dumpable: its files in /proc are root's" 0 "$(stat -c %u /proc/"$helper_pid"/fd)"
equals "P1: for writing it has open its log, the limits, their windows, its state and the lock on that" \
	"constraint_0_power_limit_uw constraint_0_time_window_us constraint_1_power_limit_uw constraint_1_time_window_us helper.log lock state" \
	"$(open_for_writing)"
equals "P1: status says that nothing is missing" "" "$(bits)"
equals "P1: Landlock is among it" true "$(said sandbox landlock)"
set_once MAX_SOURCE=160W
equals "P1: and limits are set all the same" "80/80 80/80" "$(limits)"
stop_helper
equals "P6: and restored" "0 150/180 150/180" "$exit_status $(limits)"

if ! /bin/setpriv --help 2>&1 | grep -q bounding-set; then
	note "not tried, for want of util-linux' setpriv: a helper without capabilities"
	exit 0
fi

# A pod with all capabilities dropped, its group the controller's.
UNDER="/bin/setpriv --bounding-set=-all --inh-caps=-all --ambient-caps=-all --regid=$CONTROLLER_UID --clear-groups"
forget_logs
start_helper --require-sandbox
equals "P1: started as uid 0 without capabilities it has none" "$none $none $none $none" "$(capabilities)"
equals "P1: it stays uid 0" "0 0 0 0" "$(of_helper Uid | xargs)"
has "P1: and says so" "stays uid 0 without any capability" "$(helper_log)"
equals "P1: status says that it is not an unprivileged user, and that alone" unprivileged-user "$(bits)"
equals "P1: no_new_privs is set and a seccomp filter is in force" "1 2" "$(of_helper NoNewPrivs) $(of_helper Seccomp)"
set_once MAX_SOURCE=160W
equals "P1: limits are set all the same" "80/80 80/80" "$(limits)"
stop_helper
equals "P6: and restored" "0 150/180 150/180" "$exit_status $(limits)"

UNDER="/bin/setpriv --bounding-set=-setpcap --inh-caps=-all --ambient-caps=-all"
forget_logs
original=$(registers)
helper --require-sandbox >>$RIG/helper.log 2>&1
equals "P1: --require-sandbox is fatal where the bounding set can't be emptied" 1 $?
has "P1: and its reason is told" bounding-set-empty "$(helper_log | grep '^raplhelper: --require-sandbox')"
equals "P1: nothing was written" "$original" "$(registers)"
start_helper
equals "P1: without the flag it serves and says what is missing" bounding-set-empty "$(bits)"
stop_helper
unset UNDER
