# Helpers of build scripts for Windows.  Their shell is Git's, Cygwin's or MSYS2's; the programs that they call are Windows' own, and take
# forward slashes and dashes where these are not told apart from a path.

# Print a path as the shell has it in PATH, where a colon after a drive's letter would end it.
unix_path() {
    if command -v cygpath >/dev/null; then
        cygpath -u "$1"
    else
        printf '%s' "$1"
    fi
}

# Print a path as Windows' own programs write it.
windows_path() {
    printf '%s' "$1" | tr / '\134'
}
