# Helpers of build scripts for Windows.  Their shell is Git's, Cygwin's or MSYS2's; the programs that they call are Windows' own, and take
# forward slashes and dashes where these are not told apart from a path.

# Print a path as Windows' own programs write it.
windows_path() {
    printf '%s' "$1" | tr / '\134'
}
