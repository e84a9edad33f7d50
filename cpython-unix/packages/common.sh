# Helpers that every build script includes.

# Edit a file in place, which the seds of GNU and BSD have different flags for: edit FLAG... FILE
edit() {
    for edited in "$@"; do :; done
    sed "$@" >"$TMPDIR/edited"
    cat "$TMPDIR/edited" >"$edited"
}

# Take out of an artifact what would tie it to the place it was built at, and what nobody reads there.
tidy_install() {
    for tree in "$OUT/deps" "$OUT/tools"; do
        [ -d "$tree" ] || continue
        # Libtool archives name the libraries they were linked with by absolute paths.
        find "$tree" -name '*.la' -type f -exec rm -f {} +
        rm -rf "$tree/share/man" "$tree/share/doc" "$tree/share/info"
        # The tree moves.  -I and -L for its own folders come from the compiler's wrapper; out of a .pc file they would
        # end up, as paths of this build, in what a Python tells about itself.
        # shellcheck disable=SC2016 # the dollars are pkg-config's
        find "$tree" -name '*.pc' -type f | while read -r file; do
            edit -E -e 's|^prefix=.*|prefix=${pcfiledir}/../..|' -e 's#/deps(/|$)#${prefix}\1#g' \
                -e '/^(Libs|Cflags)/s/-[IL]\$\{((shared)?libdir|includedir|(exec_)?prefix)\}(\/lib|\/include)?( +|$)//g' \
                -e 's/ +$//' "$file"
        done
    done
}
{% if target.arch == "loongarch64" %}

# Some archives are older than this CPU's name.
find "$SRC" -name config.sub -type f | while read -r file; do
    # shellcheck disable=SC2016 # the script's own variable
    edit '1a case $1 in loongarch64-*) echo loongarch64-unknown-linux-gnu; exit ;; esac' "$file"
done
{% endif %}
