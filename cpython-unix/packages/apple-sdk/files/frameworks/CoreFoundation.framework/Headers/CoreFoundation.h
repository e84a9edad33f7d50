/* The parts of Core Foundation that Python's _scproxy calls, as Apple documents them. */
#ifndef __COREFOUNDATION_COREFOUNDATION__
#define __COREFOUNDATION_COREFOUNDATION__

#include <stdint.h>
#include <string.h>

typedef unsigned char Boolean;
typedef signed long CFIndex;
typedef CFIndex CFNumberType;
typedef uint32_t CFStringEncoding;
typedef const void *CFTypeRef;
typedef const struct __CFArray *CFArrayRef;
typedef const struct __CFDictionary *CFDictionaryRef;
typedef const struct __CFNumber *CFNumberRef;
typedef const struct __CFString *CFStringRef;

enum { kCFNumberSInt32Type = 3 };
enum { kCFStringEncodingUTF8 = 0x08000100 };

CFIndex CFArrayGetCount(CFArrayRef array);
const void *CFArrayGetValueAtIndex(CFArrayRef array, CFIndex index);
const void *CFDictionaryGetValue(CFDictionaryRef dictionary, const void *key);
Boolean CFNumberGetValue(CFNumberRef number, CFNumberType type, void *value);
void CFRelease(CFTypeRef object);
Boolean CFStringGetCString(CFStringRef string, char *buffer, CFIndex size, CFStringEncoding encoding);
const char *CFStringGetCStringPtr(CFStringRef string, CFStringEncoding encoding);
CFIndex CFStringGetLength(CFStringRef string);

#endif
