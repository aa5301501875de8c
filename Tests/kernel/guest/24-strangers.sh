# P2: who is served, and who is closed without an answer.

refused() { times_helper_said "refused a peer.* uid=$1 "; } # UID

load
start_helper --socket-mode 0666
start_controller MAX_SOURCE=200W
wait_for "the user on the list is served" 20 limits_are "100/100 100/100"
ours=$(registers)

AS=nobody controller MAX_SOURCE=80W ON_EXIT=hold -- run --once >$RIG/stranger 2>&1
equals "P2: another user can't take control, and is reported with its uid" "1 $ours 2" "$? $(registers) $(refused 65534)"
AS=root controller MAX_SOURCE=80W ON_EXIT=hold -- run --once >$RIG/stranger 2>&1
equals "P2: root isn't on the list either" "1 $ours 2" "$? $(registers) $(refused 0)"
# The helper may close before the stranger's first word, or after it: both have to end the same. It tells of ten in a minute.
for stranger in 1 2 3 4 5 6 7 8; do
	AS=nobody controller -- status
	echo $?
done >$RIG/stranger 2>&1
equals "P2: nor can they ask: each time its status fails" "1 1 1 1 1 1 1 1" "$(grep -x '[0-9]*' $RIG/stranger | xargs)"
equals "P2: and says why" 8 "$(grep -c 'are not on its list' $RIG/stranger)"
check "the one that is served is not disturbed" running "$controller_pid"
equals "P7: and keeps control" 0 "$(times_controller_said 'lost the helper')"
stop_controller
stop_helper

start_helper
AS=nobody controller -- status >$RIG/stranger 2>&1
equals "P2: with the socket's usual mode another user can't even connect" 1 $?
has "P2: and is told so" "permission denied" "$(cat $RIG/stranger)"
stop_helper

forget_logs
start_helper --allow-uid 4711 --allow-gid $CONTROLLER_UID
set_once MAX_SOURCE=160W
equals "P2: a group on the list is served" "0 80/80 80/80" "$? $(limits)"
stop_helper
equals "P6: the originals are back" "0 150/180 150/180" "$exit_status $(limits)"
