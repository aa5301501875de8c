# Intel GPUs: registers of 1/8 W to the nearest of which a driver rounds, limits that are clamped without a word, and 0 for none.

needs_client
CARD=xe:$INTEL_GPU/power1_max PACKAGE=xe:$INTEL_GPU/power2_max
registers_are() { [ "$(sim xe_like power1_limit) $(sim xe_like power2_limit)" = "$1" ]; }
enabled_w() { printf '0x%08x' $(($1 * 8 | 0x8000)); }   # WATTS: the register of an enabled limit
govern() { start_helper --sysfs /sys --govern gpu; }

plug xe_like
original="$(enabled_w 225) $(enabled_w 225)"
start_helper --sysfs /sys
has "P6: not named, it isn't governed" "$CARD  original 225 W  notGoverned" "$(client zones)"
stop_helper
equals "P6: nothing was written" 0 "$(sim xe_like writes)"

govern
start_client $CARD=150.07 $PACKAGE=120
wait_for "a limit isn't rounded above what was asked: 150.07 W is 150 W" 20 registers_are "$(enabled_w 150) $(enabled_w 120)"
stop_client
wait_for "P6: the originals are back" 20 registers_are "$original"
start_client $CARD=40
wait_for "P4: a limit that is clamped without a word is said not to be in force" 60 failure_is_told "$INTEL_GPU" "isn't in force"
wait_for "P5: and what was there before is there again" 20 registers_are "$original"
stop_client
wait_for "P6: the original is back" 20 registers_are "$original"
stop_helper

# A limit that wasn't there: restoring is taking it away, not setting it to a number.
plug xe_like disabled=1
none="0x00000708 0x00000708"
govern
has "a GPU without a limit" "original none" "$(client zones)"
start_client $CARD=150
wait_for "gets one" 20 registers_are "$(enabled_w 150) ${none#* }"
stop_client
no_limit() { [ $(($(sim xe_like power1_limit) & 0x8000)) = 0 ]; }
wait_for "P6: which is taken away again" 20 no_limit
start_client $CARD=140
wait_for "once more" 20 registers_are "$(enabled_w 140) ${none#* }"
stop_helper KILL
stop_client KILL
govern
wait_for "P6: after a SIGKILL, too" 20 no_limit
stop_helper
equals "the helper ends in good order" 0 "$exit_status"

plug xe_like name=i915
govern
start_client i915:$INTEL_GPU/power1_max=150
wait_for "i915 is governed likewise" 20 registers_are "$(enabled_w 150) ${original#* }"
stop_client
wait_for "P6: the original is back" 20 registers_are "$original"
stop_helper
