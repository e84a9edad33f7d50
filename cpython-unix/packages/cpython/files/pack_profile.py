"""Pack the files named on standard input into a tar archive, without times, owners and modes of this machine.

Called as: pack_profile.py ARCHIVE, in the folder that the names are relative to.
"""

import sys
import tarfile


def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Return the member as every machine would pack it."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    member.mode = 0o644
    return member


with tarfile.open(sys.argv[1], "w", format=tarfile.USTAR_FORMAT) as archive:
    for name in sys.stdin.read().splitlines():
        archive.add(name, filter=plain)
