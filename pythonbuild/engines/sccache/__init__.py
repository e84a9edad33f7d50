"""sccache, which keeps compiled objects between builds: its servers, the environment of scripts, and the wrappers of compilers.

Only the server knows where objects are kept, and the secrets for that place; scripts get the server's address.

sccache by itself ignores names and line numbers of sources, which debug information contains, and identifies a compiler by
its executable.  The wrapper that it calls as the compiler corrects both (`wrappers.compiler_text`).
https://github.com/mozilla/sccache/tree/main/docs
"""
