# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# Part of kernels: the kernel of Debian 13 with everything in it that looks for
# faults (config), built from its source package, in the tree's /usr/src/linux-debug.
# It stays there: another module is built for it in no time, and another
# configuration compiles what it changes.  Type information (BTF) is for the layout
# of struct dev_dax, which kmod/probe checks against it.

SOURCE=linux-source-6.12
kdir=/usr/src/linux-debug
# bison to python3-minimal: what the kernel's build asks for beyond the tree's own.
TOOLS="bc bison flex libelf-dev xz-utils python3-minimal"
# QEMU enters the kernel where memcmp() is called before KASAN is there.  (The kernel
# leaves this file out by itself only where AMD_MEM_ENCRYPT is configured.)
EARLY="KASAN_SANITIZE_string.o=n"
MAKE="-C $kdir -j${JOBS:-$(nproc)} CC=gcc-14 HOSTCC=gcc-14 KBUILD_BUILD_USER=memmapd
	KBUILD_BUILD_HOST=debug $EARLY"

# source_of VERSION: unpacks that of the package, unless it is there.
source_of() {
	[ "$(cat "$tree$kdir/.version-of-package" 2>/dev/null)" != "$1" ] || return 0
	say "downloading $SOURCE $1"
	chroot "$tree" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
		--no-install-recommends install $TOOLS >/dev/null || die "apt-get failed in $tree"
	unpack "$tree" "$SOURCE"
	rm -rf "${tree:?}$kdir"
	mkdir "$tree$kdir"
	chown $USER_ID:$USER_ID "$tree$kdir"
	chroot --userspec=$USER_ID:$USER_ID "$tree" tar -x -C "$kdir" --strip-components=1 \
		-f "/usr/src/$SOURCE.tar.xz" || die "$SOURCE does not unpack"
	rm "$tree/usr/src/$SOURCE.tar.xz"
	echo "$1" >"$tree$kdir/.version-of-package"
}

# excused: two attributes of memory blocks that lockdep is not to look at.  It takes
# them for a deadlock: who writes "state" keeps that file from being removed and then
# takes the lock of memory hotplug, under which try_remove_memory() removes the file.
# But the writer has device_hotplug_lock by then, which it only ever tries for
# (lock_device_hotplug_sysfs()), and so has who removes.  And lockdep looks no further
# once it has found one.
excused() {
	for attribute in core.c:online memory.c:state; do
		name=${attribute#*:} file=$tree$kdir/drivers/base/${attribute%:*}
		ignore="DEVICE_ATTR_IGNORE_LOCKDEP($name, 0644, ${name}_show, ${name}_store);"
		sed -i "s/^static DEVICE_ATTR_RW($name);/static $ignore/" "$file"
		grep -qF "static $ignore" "$file" || die "$file: no attribute \"$name\""
	done
}

# configured: tinyconfig and the lines of ours, every one of which must have come true.
configured() {
	made 1200 $MAKE tinyconfig
	cat "$here/debug/config" >>"$tree$kdir/.config"
	made 1200 $MAKE olddefconfig >/dev/null 2>&1
	sed -n '/^CONFIG_/p; s/^# \(CONFIG_[A-Z0-9_]*\) is not set$/\1=/p' "$here/debug/config" |
	while read -r line; do
		case $line in
		*=) ! grep "^$line" "$tree$kdir/.config" || exit 1 ;;
		*) grep -qxF "$line" "$tree$kdir/.config" || { echo "$line"; exit 1; } ;;
		esac
	done || die "the line above of debug/config has not come true"
}

compiled() {
	say "building the debug kernel (12 minutes, if nothing else goes on)"
	# It is not our code that it warns of: stack frames, mostly, which KASAN makes large.
	made 14400 $MAKE vmlinux modules >"$vm/kernel-debug.log" 2>&1 || {
		tail -n 30 "$vm/kernel-debug.log"
		die "the debug kernel does not build"
	}
	kver=$(cat "$tree$kdir/include/config/kernel.release")
	k=$vm/kernel-$kver
	rm -rf "$k" "$k.new" "$tree/src/modules"
	mkdir -p "$k.new/boot" "$tree/src/modules"
	chown $USER_ID:$USER_ID "$tree/src/modules"
	made 1200 $MAKE INSTALL_MOD_PATH=/src/modules INSTALL_MOD_STRIP=1 DEPMOD=true modules_install ||
		die "the debug kernel's modules cannot be installed"
	mv "$tree/src/modules/lib" "$k.new/"
	rm -f "$k.new/lib/modules/$kver/build"
	depmod -b "$k.new" "$kver"
	chroot "$tree" objcopy -S "$kdir/vmlinux" /src/vmlinux
	mv "$tree/src/vmlinux" "$k.new/boot/vmlinux-$kver"
	# All that is made for this kernel is made anew if this one is another.
	echo "$key" >"$k.new/key"
	mv "$k.new" "$k"
}

# debug_kernel: sets kver and kdir, for module.
debug_kernel() {
	version=$(chroot "$tree" apt-cache policy $SOURCE | sed -n 's/^ *Candidate: //p')
	[ -n "$version" ] || die "Debian 13 has no $SOURCE"
	source_of "$version"
	key="$version $(cat "$here/debug/config" "$here/debug/kernel.sh" | sha256sum)"
	kver=$(cat "$tree$kdir/include/config/kernel.release" 2>/dev/null) || :
	[ "$(cat "$vm/kernel-$kver/key" 2>/dev/null)" != "$key" ] || return 0
	excused
	configured
	compiled
}
