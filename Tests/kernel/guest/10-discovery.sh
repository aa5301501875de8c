# Which zones are found, by what name, and which of them are never written.

# As sysfs shows it to a shell: per zone id, parent, type and name; per constraint index, name, limit, window and maximum.
sysfs_tree() {
	local dir file index
	for dir in $POWERCAP/*/*:* $POWERCAP/*/*:*/*:*; do
		[ -e "$dir/name" ] || continue
		echo "zone $(basename "$dir") $(basename "${dir%/*}" | sed '/:/!s/.*/null/') $(echo "$dir" | cut -d / -f 6) $(cat "$dir/name")"
		for file in "$dir"/constraint_*_name; do
			[ -e "$file" ] || continue
			index=${file##*/constraint_} index=${index%_name}
			echo "constraint $(basename "$dir") $index $(cat "$file") $(cat "${file%name}power_limit_uw")" \
				"$(cat "${file%name}time_window_us" 2>/dev/null || echo null) $(cat "${file%name}max_power_uw" 2>/dev/null || echo null)"
		done
	done | sort
}

listed_tree() { # the same of `raplhelper --list --format json`, which has one object per line
	awk '
		/"control_type":/ { id = value("id"); print "zone", id, value("parent"), value("control_type"), value("name") }
		/"index":/ {
			print "constraint", id, value("index"), value("name"), value("power_limit_uw"), value("time_window_us"),
				value("max_power_uw")
		}
		function value(name,   rest) { rest = $0; sub(".*\"" name "\":\"?", "", rest); sub("\"?[,}].*", "", rest); return rest }
	' | sort
}

others() { # the limit registers that are not the packages' own
	cat $REGISTERS/package-0/psys_limit $REGISTERS/package-[01]/mmio_limit $REGISTERS/package-[01]/dram_limit \
		$REGISTERS/package-[01]/core_limit $REGISTERS/package-[01]/pl4
}

limits_in() { # ID of a zone of sysfs: what a program should say is in force there, or nothing
	local file
	for file in "$1"/constraint_*_power_limit_uw; do [ -e "$file" ] && cat "$file"; done
}

load psys=1 mmio=1 pp0=1 pl4=1
helper --list --format json >$RIG/zones.json
equals "--list --format json is the tree of sysfs, value for value" "$(sysfs_tree)" "$(listed_tree <$RIG/zones.json)"
equals "--list names packages, psys between them, their parts, and mmio's" \
	"package-0 core dram psys package-1 core dram package-0 package-1" "$(helper --list | awk '/\(/ && /enabled:/ { print $1 }' | xargs)"
listed_by_nobody() { # the first long_term limit, and how package-0's energy is shown
	su -s /bin/sh nobody -c 'raplhelper --list' |
		awk '/^  long_term/ && !limit { limit = $3 } /^package-0/ { energy = / J$/ ? "shown" : "not shown" } END { print limit, energy }'
}
equals "nobody may list the limits too, only not the energy" "150.000 not shown" "$(listed_by_nobody)"

original=$(registers)
untouched=$(others)
poke 0 writes 0
poke 1 writes 0
start_helper
start_controller MAX_SOURCE=200W
wait_for "two packages share 200 W" 20 limits_are "100/100 100/100"
equals "and those four limits are all that was ever written" "2 2" "$(writes)"
equals "psys, mmio, dram, core and peak_power hold what they held" "$untouched" "$(others)"
has "the controller found two packages among nine zones" "zones=9 devices=2" "$(controller_log | grep 'zones found')"

ask_status
equals "status has every zone and shows its energy" 9 "$(grep -c '^[{]"id":.*"power_uw":[0-9]' $RIG/status.lines)"
equals "status and sysfs agree on every register" \
	"$(for dir in $(find $POWERCAP -name name); do limits_in "${dir%/name}"; done | sort)" \
	"$(grep -o '"register_uw":[0-9]*' $RIG/status.lines | cut -d : -f 2 | sort)"
equals "status and the register agree on package 1" "100000000 150000000 100000000" \
	"$(said package-1/long_term in_force_uw) $(said package-1/long_term original_uw) $(said package-1/long_term requested_uw)"

stop_controller
equals "P6: the controller's end brings the originals back" "$original" "$(registers)"
stop_helper
equals "and nothing else was written to the end" "4 4 $untouched" "$(writes) $(others)"
