# SPDX-License-Identifier: LGPL-2.1-or-later
# A module that dkms has signed, on kernels that want to know by whom.
# variant: enforced ram=2G hmem=1G
# variant: mok ram=2G hmem=1G uefi=1
# image: dkms
# payload: none
# file: deb /packages
# file: vm/mok /var/lib/dkms
# group: package
# timeout: 900
# allow-kernel: Loading of .* is rejected
. /test/guest.sh

export DEBIAN_FRONTEND=noninteractive
ko=/run/memmapd_kmem.ko

# load FILE: what comes of it, in the words of the kernel.
load() {
	perl -e 'open(my $f, "<", $ARGV[0]) or die; my $empty = "";
		print syscall(313, fileno($f), $empty, 0) == 0 ? "loaded" : $! + 0, "\n"' "$1"
}

# module FILE: the one that dkms made, not compressed.
module() {
	path=$(modinfo -n memmapd_kmem)
	case $path in
	*.xz) xz -dc "$path" >"$1" ;;
	*.zst) zstd -qdc "$path" >"$1" ;;
	*) cp "$path" "$1" ;;
	esac
}

# unsigned FILE: the module without its signature; foreign FILE: signed by a stranger.
unsigned() {
	cp $ko "$1"
	strip --strip-debug "$1"
}
foreign() {
	unsigned "$1"
	openssl req -new -x509 -nodes -days 2 -subj "/CN=a stranger" -newkey rsa:2048 \
		-keyout /run/key -outform DER -out /run/certificate 2>/dev/null
	"/lib/modules/$(uname -r)/build/scripts/sign-file" sha256 /run/key /run/certificate "$1"
}

kernel_says() { dmesg | grep -E 'Loading of|tainting|odule verification|ockdown' | tail -n 3; }

check "installed" apt-get -q -y -o Dpkg::Use-Pty=0 install \
	/packages/memmapd_*.deb /packages/memmapd-dkms_*.deb
dkms status
cat /sys/kernel/security/lockdown
eq "dkms" "$(dkms status memmapd | sed 's/.*: //')" installed
eq "signed by" "$(modinfo -F signer memmapd_kmem)" "DKMS module signing key"
module $ko
unsigned /run/unsigned.ko
foreign /run/foreign.ko
eq "foreign is signed by" "$(modinfo -F signer /run/foreign.ko)" "a stranger"
eq "unsigned is signed by" "$(modinfo -F signer /run/unsigned.ko)" ""

case $VARIANT in
enforced)
	echo Y >/sys/module/module/parameters/sig_enforce
	eq "enforced" "$(cat /sys/module/module/parameters/sig_enforce)" Y
	eq "signed by dkms" "$(load $ko)" 129
	kernel_says
	eq "unsigned" "$(load /run/unsigned.ko)" 129
	eq "signed by a stranger" "$(load /run/foreign.ko)" 129
	kernel_says
	modprobe memmapd_kmem
	eq "status of modprobe" $? 1
	refute "the module is loaded" [ -e /sys/module/memmapd_kmem ]
	check "memmapd" systemctl enable --now memmapd
	memmapctl status
	check "memmapd says why" eval 'memmapctl status | grep -F "refuses the signature"'
	;;
mok)
	check "Secure Boot" eval 'dmesg | grep -i "secure boot enabled"'
	check "lockdown" grep -F "[integrity]" /sys/kernel/security/lockdown
	# Debian's kernels want signatures then by themselves, before lockdown would.
	eq "enforced" "$(cat /sys/module/module/parameters/sig_enforce)" Y
	grep -i dkms /proc/keys
	eq "unsigned" "$(load /run/unsigned.ko)" 129
	kernel_says
	eq "signed by a stranger" "$(load /run/foreign.ko)" 129
	kernel_says
	check "memmapd" systemctl enable --now memmapd
	check "the module is loaded" [ -e /sys/module/memmapd_kmem ]
	check "dax_hmem" modprobe dax_hmem
	wait_device dax0.0 online 240
	eq "the backend" "$(dev /backend)" chunked
	;;
esac
