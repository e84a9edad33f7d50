"""sccache, which keeps compiled objects between builds: its servers, the environment of scripts, and the wrappers of compilers.

Only its server knows where objects are kept, and the secrets for that; scripts get the server's address.

Two things sccache would do wrong by itself.  It ignores names and lines of sources, which debug information contains, and it
identifies a compiler by its executable.  The wrapper that it calls as the compiler corrects both (`wrappers.compiler_text`).
https://github.com/mozilla/sccache/tree/main/docs
"""
