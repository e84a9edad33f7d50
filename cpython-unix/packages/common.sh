## Helpers that every build script includes.

## Edit a file in place: edit FLAG... FILE.  GNU's sed and BSD's have different flags for this.
edit() {
    for edited in "$@"; do :; done
    sed "$@" >"$TMPDIR/edited"
    cat "$TMPDIR/edited" >"$edited"
}

## Remove from an artifact what ties it to the place where it was built, and what nobody reads.
tidy_install() {
    for tree in "$OUT/deps" "$OUT/tools"; do
        [ -d "$tree" ] || continue
        ## Libtool archives contain absolute paths of the libraries that they were linked with.
        find "$tree" -name '*.la' -type f -exec rm -f {} +
        rm -rf "$tree/share/man" "$tree/share/doc" "$tree/share/info"
        ## The tree will move.  The compiler's wrapper already adds -I and -L for the tree's folders.  From a .pc file, they would
        ## end up in the Python's own metadata, as paths of this build.
        # shellcheck disable=SC2016 # the dollars are pkg-config's
        find "$tree" -name '*.pc' -type f | while read -r file; do
            edit -E -e 's|^prefix=.*|prefix=${pcfiledir}/../..|' -e 's#/deps(/|$)#${prefix}\1#g' \
                -e '/^(Libs|Cflags)/s/-[IL]\$\{((shared)?libdir|includedir|(exec_)?prefix)\}(\/lib|\/include)?( +|$)//g' \
                -e 's/ +$//' "$file"
        done
    done
}
{% if target.arch == "loongarch64" %}

## The config.sub of some archives is too old to know this CPU.
find "$SRC" -name config.sub -type f | while read -r file; do
    # shellcheck disable=SC2016 # the script's own variable
    edit '1a case $1 in loongarch64-*) echo loongarch64-unknown-linux-gnu; exit ;; esac' "$file"
done
{% endif %}
