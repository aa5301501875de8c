# The time window of peak_power can't be read on Linux 6.12: its limit is known all the same (P4).
load pl4=1
window=$(try_read "$(constraint package-0 peak_power time_window_us)")
case $(uname -r) in
6.1.*) equals "the window of peak_power reads 0" 0 "$window" ;;
*) equals "the window of peak_power has no data" "No data available" "$window" ;;
esac
start_helper
ask_status
equals "status says what it was at first" 400000000 "$(said package-0/peak_power original_uw)"
equals "and what is in force" 400000000 "$(said package-0/peak_power in_force_uw)"
stop_helper
