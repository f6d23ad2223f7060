# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Completion for fish.  Verbs, options and what follows them are what --help tells, so
# that they need not be kept here too.

function __memmapctl_devices
	command ls /sys/bus/dax/devices 2>/dev/null
	# And what "remove" takes as well: CXL regions and expanders.
	command ls /sys/bus/cxl/devices 2>/dev/null | string match -r '^(?:mem|region)[0-9]+$'
end

# Verbs, each with what it does.
function __memmapctl_verbs
	memmapctl --help 2>/dev/null | string match -r '^  [a-z].*' |
		string replace -r '^  ([a-z-]+)(?: [^ ]+)*  +(.*)$' '$1\t$2'
end

# The verb on the command line, if there is one.
function __memmapctl_verb
	set -l verbs (__memmapctl_verbs | string replace -r '\t.*' '')
	for word in (commandline -opc)[2..]
		if contains -- $word $verbs
			echo $word
			return 0
		end
	end
	return 1
end

# True if the verb takes arguments of this kind: DEVICE, FILE, DIRECTORY.
function __memmapctl_wants
	set -l verb (__memmapctl_verb)
	or return 1
	memmapctl --help 2>/dev/null | string match -qr "^  $verb \[?$argv[1]"
end

complete -c memmapctl -f
complete -c memmapctl -n 'not __memmapctl_verb' -a '(__memmapctl_verbs)'
complete -c memmapctl -n '__memmapctl_wants DEVICE' -a '(__memmapctl_devices)'
complete -c memmapctl -n '__memmapctl_wants FILE' -F
complete -c memmapctl -n '__memmapctl_wants DIRECTORY' -a '(__fish_complete_directories)'

for line in (memmapctl --help 2>/dev/null | string match -r '^  (?:-[a-zA-Z], )?--.*')
	set -l part (string match -r -- '^  ((?:-[a-zA-Z], )?)--([a-z-]+)(\[?=?\S*)((?: [A-Z]+)?)  +(.*)' $line)
	or continue
	set -l short
	test -n "$part[2]"
	and set short -s (string sub -s 2 -l 1 -- $part[2])
	switch "$part[5]"
		case ''
			complete -c memmapctl -l $part[3] $short -d $part[6]
		case ' WHEN'
			complete -c memmapctl -l $part[3] $short -d $part[6] -x -a 'auto always never'
		case ' FORMAT'
			complete -c memmapctl -l $part[3] $short -d $part[6] -x -a 'openmetrics nfd'
		case '*'
			complete -c memmapctl -l $part[3] $short -d $part[6] -r -F
	end
end
