# ACPI's power meters under their genuine driver: limited only where --govern names them, and given back whatever dies.

needs_client
M0=power_meter:_SB_.PMT0/power1_cap M1=power_meter:_SB_.PMT1/power1_cap
firmware() { echo "$(meter 0 limit) $(meter 1 limit)"; }   # mW, of both
firmware_has() { [ "$(firmware)" = "$1" ]; }
govern() { start_helper --sysfs /sys --govern power_meter "$@"; }

load_meters
original=$(firmware)

# --- only by name -------------------------------------------------------------------------------------------------------------

start_helper --sysfs /sys
wait_for "a meter is measured without being named" 60 sample_says "PMT0  200 W"
has "P6: and not governed, which zones say" "$M0  original 400 W  notGoverned" "$(client zones)"
has "P6: what is asked of it is refused" "no limit is taken for the constraint" "$(client apply $M0=250)"
equals "P6: and the firmware wasn't asked" "0 $original" "$(meter 0 sets) $(firmware)"
stop_helper
has "P6: --list says what to do about it" "(--govern)" "$(helper --sysfs /sys --list)"
listing=$(helper --sysfs /sys --list --govern power_meter)
has "P3: and by name between which limits it may be set" "from 100.000 to 400.000 W" "$listing"
has "its step" "step: 0.001 W" "$listing"

# --- limits -------------------------------------------------------------------------------------------------------------------

govern
start_client $M0=250.0007 $M1=120
wait_for "limits are in force, rounded down to what the firmware counts in" 20 firmware_has "250000 120000"
meter 0 demand 380000
wait_for "P4: and samples say so" 60 sample_says "power1_cap  250 W"
wait_for "it draws its limit" 60 sample_says "PMT0  250 W"
stop_client
wait_for "P6: the originals are back when control ends" 20 firmware_has "$original"
has "P3: below the least is refused" "below the constraint's floor" "$(client apply $M0=99)"
equals "P3: and not written" "$original" "$(firmware)"
meter 0 mode 4
wait_for "a power that the firmware doesn't know is no power" 60 sample_says "PMT0  errno 61"
meter 0 mode 0

# --- what dies ------------------------------------------------------------------------------------------------------------------

start_client $M0=200 $M1=100
wait_for "limits are in force" 20 firmware_has "200000 100000"
stop_helper KILL
stop_client KILL
equals "a SIGKILL leaves them" "200000 100000" "$(firmware)"
govern
wait_for "P6: a restart gives the originals back" 20 firmware_has "$original"
LEASE=2 start_client $M0=200
wait_for "a limit is in force" 20 firmware_has "200000 300000"
kill -STOP "$client_pid"
wait_for "P6: silence longer than the lease gives it back" 20 firmware_has "$original"
kill -KILL "$client_pid"
start_client $M0=200
wait_for "a limit is in force" 20 firmware_has "200000 300000"
stop_helper
equals "P6: SIGTERM gives it back" "0 $original" "$exit_status $(firmware)"
stop_client KILL

# --- firmware with a mind of its own ------------------------------------------------------------------------------------------------

govern
meter 0 mode 2
start_client $M0=200
wait_for "P4: a limit that the firmware takes without a word is said not to be in force" 60 failure_is_told PMT0 "isn't in force"
wait_for "P4: and samples say what is" 60 sample_says "power1_cap  400 W"
stop_client
meter 0 mode 1
start_client $M0=200 $M1=100
wait_for "P5: a refusal is told" 60 failure_is_told PMT0 "kernel refused"
stop_client
wait_for "P6: and nothing is left of the other limit" 20 firmware_has "$original"
meter 0 mode 3
start_client $M0=200.5
wait_for "firmware that counts in watts" 20 firmware_has "200000 300000"
meter 0 mode 0
stop_client
wait_for "P6: the original is back" 20 firmware_has "$original"

# --- the sandbox ------------------------------------------------------------------------------------------------------------------

threads=$(cat /proc/"$helper_pid"/task/*/status)
count=$(echo "$threads" | grep -c '^Name:')
equals "P1: each of the helper's $count threads has its filter, its uid, and no capability" "$count $count $count" \
	"$(echo "$threads" | grep -c '^Seccomp:.2$') $(echo "$threads" | grep -c "^Uid:.$HELPER_UID.$HELPER_UID.$HELPER_UID.$HELPER_UID\$") $(echo "$threads" | grep -c '^CapEff:.0*$')"
stop_helper
equals "the helper ends in good order" "0 $original" "$exit_status $(firmware)"
