/* What clang calls for __builtin_available(), which Apple's compiler has in its runtime: it asks libSystem, which can tell since 10.15. */
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
