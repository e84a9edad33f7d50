## CPython's own projects compile these sources; properties tell the projects where they are.
mkdir -p "$OUT/deps"
cp -R "$SRC" "$OUT/deps/{{ name }}"
