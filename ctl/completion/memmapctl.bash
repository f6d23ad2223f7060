# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Completion for bash.  Verbs, options and what follows them are what --help tells, so
# that they need not be kept here too.

# Dax devices, and what "remove" takes as well: CXL regions and expanders.
_memmapctl_devices() {
	command ls /sys/bus/dax/devices 2>/dev/null
	command ls /sys/bus/cxl/devices 2>/dev/null | grep -E '^(mem|region)[0-9]+$'
}

# _memmapctl_words KIND HELP: verbs, or options, one a line.
_memmapctl_words() {
	case $1 in
	verbs) sed -n '/^Verbs:/,/^Options:/s/^  \([a-z][a-z-]*\).*/\1/p' <<<"$2" ;;
	options) sed -n '/^Options:/,/^$/{ s/^  \(-[a-zA-Z]\), \(--[a-z-]*\).*/\1\n\2/; s/^  \(--[a-z-]*\).*/\1/
		/^-/p; }' <<<"$2" ;;
	esac
}

# _memmapctl_wants WORD HELP: what --help has behind a verb or an option: DEVICE, ...
_memmapctl_wants() {
	sed -n "s/^  \(-[a-zA-Z], \)\{0,1\}$1 \[\{0,1\}\([A-Z]*\).*/\2/p; s/^  $1, --[a-z-]* \([A-Z]*\) .*/\1/p" \
		<<<"$2" | head -n 1
}

# _memmapctl_offer WANTED CUR: candidates for it, into COMPREPLY.
_memmapctl_offer() {
	case $1 in
	WHEN) mapfile -t COMPREPLY < <(compgen -W "auto always never" -- "$2") ;;
	FORMAT) mapfile -t COMPREPLY < <(compgen -W "openmetrics nfd" -- "$2") ;;
	DEVICE) mapfile -t COMPREPLY < <(compgen -W "$(_memmapctl_devices)" -- "$2") ;;
	DIR | DIRECTORY)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -d -- "$2")
		;;
	FILE)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$2")
		;;
	*) return 1 ;;
	esac
}

_memmapctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb='' word help i
	COMPREPLY=()
	help=$(memmapctl --help 2>/dev/null) || return
	if [[ $before == -* ]] && _memmapctl_offer "$(_memmapctl_wants "$before" "$help")" "$cur"; then
		return
	fi
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_memmapctl_words options "$help")" -- "$cur")
		return
	fi
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $word == -* && -n $(_memmapctl_wants "$word" "$help") ]]; then
			((i++))
		elif [[ $word != -* ]]; then
			verb=$word
			break
		fi
	done
	if [[ -z $verb ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_memmapctl_words verbs "$help")" -- "$cur")
	else
		_memmapctl_offer "$(_memmapctl_wants "$verb" "$help")" "$cur"
	fi
}

complete -F _memmapctl memmapctl
