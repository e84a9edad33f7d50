/* CPython calls these to inspect other processes; zig's headers lack them.  Darwin's kernel defines the interface in mach_vm.defs. */
#ifndef _mach_vm_user_
#define _mach_vm_user_

#include <mach/mach_types.h>
#include <mach/message.h>
#include <mach/port.h>
#include <mach/vm_map.h>

kern_return_t mach_vm_protect(vm_map_t, mach_vm_address_t, mach_vm_size_t, boolean_t, vm_prot_t);
kern_return_t mach_vm_read_overwrite(vm_map_read_t, mach_vm_address_t, mach_vm_size_t, mach_vm_address_t, mach_vm_size_t *);
kern_return_t mach_vm_region(vm_map_read_t, mach_vm_address_t *, mach_vm_size_t *, vm_region_flavor_t, vm_region_info_t,
                             mach_msg_type_number_t *, mach_port_t *);
kern_return_t mach_vm_write(vm_map_t, mach_vm_address_t, vm_offset_t, mach_msg_type_number_t);

#endif
