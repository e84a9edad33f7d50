# Its sources are compiled by CPython's own projects, which are told where they lie.
mkdir -p "$OUT/deps"
cp -R "$SRC" "$OUT/deps/{{ name }}"
