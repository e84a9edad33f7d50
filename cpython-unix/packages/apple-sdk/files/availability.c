/* clang calls this for __builtin_available(); Apple's compiler has it in its runtime.  It asks libSystem, which knows since 10.15. */
#include <stdbool.h>
#include <stdint.h>
struct version {
    uint32_t platform, version;
};
extern bool _availability_version_check(uint32_t count, struct version versions[]);
int32_t __isPlatformVersionAtLeast(uint32_t platform, uint32_t major, uint32_t minor, uint32_t patch);
int32_t __isPlatformVersionAtLeast(uint32_t platform, uint32_t major, uint32_t minor, uint32_t patch)
{
    struct version wanted = {platform, major << 16 | minor << 8 | patch};
    return _availability_version_check(1, &wanted);
}
