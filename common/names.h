/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every name that memmapd shows to others, in one place. */
#pragma once

/* D-Bus */
#define BUS_NAME "org.memmapd1"
#define BUS_PATH "/org/memmapd1"
#define BUS_PATH_DEVICES BUS_PATH "/device"
#define BUS_INTERFACE_MANAGER "org.memmapd1.Manager"
#define BUS_INTERFACE_DEVICE "org.memmapd1.Device"

/* Flags of Manager.Remove() and Manager.Offline(). */
#define OPERATE_KEEP 1                 /* what went offline stays so, whatever happens */
#define OPERATE_FORCE 2                /* even if what is in it may not fit elsewhere */

/* polkit */
#define POLKIT_ACTION_OPERATE "org.memmapd1.operate"

/* Version of the JSON that Manager.Describe() returns. */
#define DESCRIBE_FORMAT 1

/* Version of the JSON that Manager.Check() returns. */
#define REPORT_FORMAT 1

/* Version of the JSON that Manager.Diff() returns, and the most that it takes. */
#define DIFF_FORMAT 1
#define DIFF_FILES_MAX 256
#define DIFF_NAME_MAX 4096

/* Version of the JSON that Manager.Timeline() returns. */
#define TIMELINE_FORMAT 1

/* Kernel */
#define MODULE_NAME "memmapd_kmem"
#define KMEM_NAME "kmem"               /* the kernel's own driver */
#define MEMMAP_ON_MEMORY_PARAMETER "memory_hotplug.memmap_on_memory=1"

/* Files */
#define POLICY_DIR "/etc/memmapd"
#define POLICY_VENDOR_DIR "/usr/share/memmapd"
#define POLICY_FILE "policy.json"
#define POLICY_DROP_INS "policy.d"
#define RUN_DIR "/run/memmapd"
#define MODULE_WHY_PATH RUN_DIR "/module" /* why MODULE_NAME could not be loaded */

/* Journal fields, beside the well-known ones. */
#define FIELD_DEVICE "MEMMAPD_DEVICE"
#define FIELD_BLOCK "MEMMAPD_BLOCK"
#define FIELD_STEP "MEMMAPD_STEP"
#define FIELD_ERRNO "ERRNO"

/* Journal messages; systemd/memmapd.catalog says what to do about each. */
#define MESSAGE_DECIDED "47c940b5372647cda61d3681268fa8fd"
#define MESSAGE_REFUSED "6aede7fab05d46c3886bb50bac38b97d"
#define MESSAGE_FIRST_BLOCK "d40762b21e1740feadb790c73b6587ea"
#define MESSAGE_DONE "4863a6a1fa62411db48dbac71f14a723"
#define MESSAGE_STEP_FAILED "ef5b3b299451442fadcf83edb99cf59c"
#define MESSAGE_DIVERGED "9f586b715b6c4bb69edbd50041b1d914"
#define MESSAGE_FOREIGN "02c1152cabf74422b46878b2e24da5fe"
#define MESSAGE_POLICY_BAD "8f2cd9b660bf49428a70ab7193d5619c"
#define MESSAGE_POLICY_DOUBTFUL "1f062c0375f44a508196290c22bf3ea5"
#define MESSAGE_POLICY_LOADED "25e3184dc5154fd4b830e713e083685f"
#define MESSAGE_WORKER_LOST "4254878b3d5048dfa194dd245cf98e27"
#define MESSAGE_NO_MODULE "26d9e9bc8c1345b3af4bbd9d50c757fa"
#define MESSAGE_RATIO_HIGH "d975f02c337d45638dc8959a33216d31"
#define MESSAGE_RETRY "b1d0a9e4c6f34d06a3a1f6d1e0a7c5b2"
#define MESSAGE_ROLLED_BACK "5c7e2f9b8d0a4e63b4f1c2d3a6e7f809"
#define MESSAGE_PACED "0e9d6a3c2b5f4d71a8c40f1b7e2d9365"
#define MESSAGE_GONE "53b7562ce2f54ab580d4d754f6a1a005"
#define MESSAGE_ORPHANED "1acebee8278f4df18b5ae162120b0c35"
#define MESSAGE_ORDERED "b3ff8c51e8aa490ea4a569ac61093da6"
#define MESSAGE_REMOVED "d721b410c4be4c5a93f086f48f11a576"
#define MESSAGE_NOT_REMOVED "e109a0edafcb4fe2a23fabf9025da60e"
#define MESSAGE_BROUGHT_BACK "055cfaf02e9d4b4dbb8d84332e447633"
#define MESSAGE_NOT_BACK "d01eb201ad854308aedd61be3f9d298b"
#define MESSAGE_REGION_CREATED "4c0f5d2e7b1a4a68b8f31f06c9d5e2a7"
#define MESSAGE_REGION_FAILED "a95e0c3d6f7b4f1c9b62d8e4f10a7c53"
#define MESSAGE_REGION_CONVERGED "7d3b9a1f52c84e0aa6c5e7f2046b8d19"
#define MESSAGE_EJECTED "e2f8a6b40c9d4d7f8e1530b7a9c4d26f"
#define MESSAGE_NOT_EJECTED "1b6d4e8f9a02475cb3d7f5c8e60a9142"
#define MESSAGE_AFTER_SET "1e64e0d98f2f4a0a8b24d306b5757aa7"
#define MESSAGE_AFTER_NOT_SET "33a6b0011b8f435f9e3eb7898394d0cf"
#define MESSAGE_AFTER_CHANGED "42e1e610c861401f88ce094a1ca1f283"
#define MESSAGE_AFTER_PUT_BACK "cde7d6fa40d94ba4bb6d632e30b3b00f"
