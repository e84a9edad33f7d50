## Helpers of build scripts for Windows.  The shell of Git, Cygwin or MSYS2 runs the scripts, which call Windows' own programs.  These
## accept forward slashes in paths, and dashes before options that would otherwise look like paths.

## Print a path in the shell's form for PATH, where the colon after a drive letter would end the path.
unix_path() {
    if command -v cygpath >/dev/null; then
        cygpath -u "$1"
    else
        printf '%s' "$1"
    fi
}

## Print a path with backslashes, as Windows' own programs write it.
windows_path() {
    printf '%s' "$1" | tr / '\134'
}
